"""Makes the pages: one for each extension point, the data models, what plugins share, and the index."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from plugin_docs.docstrings import cell, first_line, markdown
from plugin_docs.reading import Class, Module, read_module
from plugin_docs.rendering import aliases_table, class_section, function_section
from plugin_docs.suites import SUITES, suite_section

__all__ = ["KINDS", "ROOT", "all_pages"]

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "hookspecs" / "loopengt_hookspecs"
HERE = Path(__file__).resolve().parent
PAGES = ROOT / "docs" / "plugins"

GENERATED = "<!-- Written by scripts/generate-plugin-docs from the contracts' docstrings: change those, and run it. -->"


def _kinds() -> dict[str, str]:
    """The extension points and the modules of their hooks, as the contracts list them."""
    for node in ast.parse((CONTRACTS / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "EXTENSION_POINTS" and node.value:
            points: dict[str, str] = ast.literal_eval(node.value)
            return {kind: module.partition(".")[2] for kind, module in points.items()}
    raise LookupError("loopengt_hookspecs has no EXTENSION_POINTS")


KINDS = _kinds()

SHARED = ("registration", "errors", "calls")
"""Modules that belong to no single extension point."""

GIVEN = frozenset({"Ask", "InvokeAgent", "Progress", "RegisterOptions", "Run"})
"""Protocols that loopengt implements, and plugins use."""

TOOLBOX = {
    "loopengt.live": ("live.py", "LiveObserver"),
    "loopengt.threads": ("threads.py", "call_in_thread"),
    "loopengt.redaction": ("redaction.py", "keep_secret", "process_redactor", "Redactor"),
    "loopengt.display": ("display.py", "one_line", "visible"),
    "loopengt.judging": ("judging/quoting.py", "quoted"),
    "loopengt.processes": ("processes/program.py", "run_program"),
}
"""Modules of the kernel that plugins use, each with the file that is read and the names to show."""


def all_pages() -> dict[Path, str]:
    """Return every page by its path."""
    pages = {PAGES / f"{kind}.md": hook_page(kind) for kind in KINDS}
    pages[PAGES / "index.md"] = _index()
    pages[PAGES / "shared.md"] = _shared()
    pages[PAGES / "data.md"] = _data()
    return pages


def hook_page(kind: str) -> str:
    """Make the page of one extension point."""
    module = read_module(CONTRACTS / f"{KINDS[kind]}.py")
    hook = next(hook for hook in module.hooks if hook.name == f"loopengt_register_{kind}")
    protocols = [one for one in module.classes if one.is_protocol and one.name not in GIVEN]
    data = [one for one in module.classes if one not in protocols]
    example = (PAGES / "examples" / f"{kind}.py").read_text(encoding="utf-8")
    about = first_line(module.doc).removeprefix("Extension point: ")
    parts = [
        f"# {kind}",
        GENERATED,
        f"{about[0].upper()}{about[1:]}",
        _built_in(kind),
        "## The hook",
        f"From `loopengt_hookspecs.{KINDS[kind]}`; `Register` and how a target is made: [shared.md](shared.md).",
        f"`{hook.signature}`",
        markdown(hook.doc),
    ]
    if protocols:
        parts += ["## What you write", *map(class_section, protocols)]
    if module.aliases or data:
        parts.append("## What you are given, and give")
        parts += [aliases_table(module.aliases)] if module.aliases else []
        parts += map(class_section, data)
        parts += [function_section(function) for function in module.functions]
    parts += _imported(module)
    parts += [
        "## An example",
        f"The whole of a plugin, [examples/{kind}.py](examples/{kind}.py), which is tested:",
    ]
    parts += [f"```python\n{example}```", (HERE / "usage" / f"{kind}.md").read_text(encoding="utf-8").strip()]
    parts += ["## The contract suite", suite_section(kind)]
    return "\n\n".join(parts) + "\n"


def _built_in(kind: str) -> str:
    hook = re.compile(rf"def loopengt_register_{kind}\(")
    files = sorted((ROOT / "plugins").glob("*/plugin.py"))
    users = [file.parent.name for file in files if hook.search(file.read_text(encoding="utf-8"))]
    if not users:
        return "No plugin that comes with loopengt implements it."
    return f"Implemented with loopengt by {', '.join(f'`plugins/{name}`' for name in users)}."


def _imported(module: Module) -> list[str]:
    """Say where the names of the signatures are described that come from other modules."""
    homes = _homes()
    found = sorted({name for name in module.imports if name in homes})
    if not found:
        return []
    links = ", ".join(f"[`{name}`]({homes[name]}#{name.lower()})" for name in found)
    return ["## From other modules", f"Described elsewhere: {links}."]


@cache
def _homes() -> dict[str, str]:
    """The page of every class of the contracts."""
    homes = {one.name: "data.md" for one in _models()}
    for name in SHARED:
        homes |= {one.name: "shared.md" for one in read_module(CONTRACTS / f"{name}.py").classes}
    for kind, module in KINDS.items():
        for one in read_module(CONTRACTS / f"{module}.py").classes:
            homes.setdefault(one.name, f"{kind}.md")
    return homes


@cache
def _models() -> list[Class]:
    files = sorted((CONTRACTS / "models").glob("[a-z]*.py"))
    found = [one for file in files for one in read_module(file).classes]
    return sorted(found, key=lambda one: one.name)


def _data() -> str:
    parts = [
        "# Data",
        GENERATED,
        "The models of specs, states and events, from `loopengt_hookspecs.models`. Those that derive from "
        "`Declarative` are pydantic models that refuse unknown keys; what they are given is validated, also when it is "
        "assigned later.",
        *(class_section(one, 2) for one in _models() if one.name not in ("Model", "Declarative")),
    ]
    return "\n\n".join(parts) + "\n"


def _shared() -> str:
    parts = ["# What plugins share", GENERATED]
    for name in SHARED:
        module = read_module(CONTRACTS / f"{name}.py")
        parts += [f"## loopengt_hookspecs.{name}", markdown(module.doc)]
        parts += map(class_section, module.classes)
    markers = read_module(CONTRACTS / "_markers.py")
    version = next(alias for alias in markers.aliases if alias.name == "API_VERSION")
    parts += ["## The version of the hooks", f"`API_VERSION = {version.value}`. {markdown(version.doc)}"]
    parts += ["## The kernel's tools", (HERE / "toolbox.md").read_text(encoding="utf-8").strip()]
    for name, (path, *public) in TOOLBOX.items():
        module = read_module(ROOT / "core" / "loopengt" / path)
        parts += [f"### {name}"]
        parts += [class_section(one, 4) for one in module.classes if one.name in public]
        parts += [function_section(one) for one in module.functions if one.name in public]
    return "\n\n".join(parts) + "\n"


def _index() -> str:
    rows = ["| hook | what it registers | suite |", "|---|---|---|"]
    for kind, name in KINDS.items():
        about = first_line(read_module(CONTRACTS / f"{name}.py").doc).removeprefix("Extension point: ")
        suite = SUITES[kind].partition(":")[2]
        rows.append(f"| [`loopengt_register_{kind}`]({kind}.md) | {cell(about)} | `{suite}` |")
    text = (HERE / "index.md").read_text(encoding="utf-8")
    example = (PAGES / "examples" / "judges.py").read_text(encoding="utf-8")
    filled = text.replace("<<hooks>>", "\n".join(rows)).replace("<<example>>", example.rstrip())
    return filled.replace("# Write a plugin\n", f"# Write a plugin\n\n{GENERATED}\n", 1)
