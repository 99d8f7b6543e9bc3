"""Fills the texts of a new plugin's package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from loopengt import __version__
from loopengt_cli_plugins.suites.contracts import contract_of

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from loopengt_cli_plugins.creating.kinds import Kind
    from loopengt_cli_plugins.creating.names import Names

__all__ = ["make_package"]

LINE = 110
"""Most letters of a line that is written."""


def make_package(names: Names, kind: Kind) -> dict[str, str]:
    """Return the files of the package: path with ``/`` to text."""
    folder = files("loopengt_cli_plugins.creating") / "files"
    values = _values(names, kind)
    values["usage"] = _fill(_read(folder, kind, "usage.md"), values).rstrip()
    package = names.package
    made = {
        "pyproject.toml": _read(folder, "common", "pyproject.toml"),
        "README.md": _read(folder, "common", "README.md"),
        ".gitignore": _read(folder, "common", "gitignore"),
        ".github/workflows/ci.yml": _read(folder, "common", "ci.yml"),
        f"{package}/__init__.py": '"""<<about>>."""\n',
        f"{package}/py.typed": "",
        f"{package}/plugin.py": _read(folder, "common", "plugin.py"),
        f"{package}/{kind.module}.py": _read(folder, kind, "module.py"),
        f"tests/test_{names.component}.py": _read(folder, kind, "test.py"),
    }
    if contract_of(kind.components) is not None:
        made["tests/test_contract.py"] = _read(folder, kind, "contract.py")
    for part in sorted((folder / kind.module).iterdir(), key=lambda part: part.name):
        name = part.name.removesuffix(".in")
        if name not in ("contract.py", "module.py", "test.py", "usage.md"):
            made[f"{package}/{name}"] = part.read_text(encoding="utf-8")
    return {path: _fill(text, values) for path, text in made.items()}


def _read(folder: Traversable, kind: Kind | str, name: str) -> str:
    place = kind if isinstance(kind, str) else kind.module
    return (folder / place / f"{name}.in").read_text(encoding="utf-8")


def _fill(text: str, values: dict[str, str]) -> str:
    """Put values in the place of ``<<name>>``; the values are ours, so none of them holds such a mark itself."""
    for name, value in values.items():
        text = text.replace(f"<<{name}>>", value)
    return text


def _values(names: Names, kind: Kind) -> dict[str, str]:
    target = names.component if kind.is_function else names.class_name
    summary = kind.summary
    return {
        "about": f"The {kind.words} ``{names.component}`` for loopengt",
        "class": names.class_name,
        "component": names.component,
        "components": kind.components,
        "contract": kind.contract,
        "distribution": names.distribution,
        "imports": _imports(kind),
        "kind": kind.name,
        "minor": ".".join(__version__.split(".")[:2]),
        "module": kind.module,
        "package": names.package,
        "registration": _registration(names, kind, target, summary),
        "summary": summary,
        "summary_toml": json.dumps(f"{summary}: a plugin for loopengt"),
        "words": kind.words,
    }


def _imports(kind: Kind) -> str:
    """The lines of plugin.py that import what annotations name, in the order that ruff wants."""
    register = "    from loopengt_hookspecs.registration import Register"
    if kind.contract_module == "click":
        return f"    import click\n{register}"
    lines = [f"    from {kind.contract_module} import {kind.contract}", register]
    return "\n".join(sorted(lines))


def _registration(names: Names, kind: Kind, target: str, summary: str) -> str:
    """The call of ``register``, on one line where it fits, as the formatter would have it."""
    words = [json.dumps(names.component), json.dumps(f"{names.package}.{kind.module}:{target}")]
    words.append(f"summary={json.dumps(summary)}")
    line = f"    register({', '.join(words)})"
    if len(line) <= LINE:
        return line
    inner = f"        {', '.join(words)}"
    if len(inner) <= LINE:
        return f"    register(\n{inner}\n    )"
    return "\n".join(["    register(", *(f"        {word}," for word in words), "    )"])
