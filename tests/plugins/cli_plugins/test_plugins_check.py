"""``loopengt plugins check``: what it finds in plugins that are off, and that it finds nothing in good ones."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import loopengt_hookspecs
from loopengt_cli_plugins.checking.requirements import api_problems, requirement_problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

HEAD = "from loopengt_hookspecs import hookimpl\n"

PYPROJECT = """\
[project]
name = "{name}"
version = "1.0"
dependencies = {requires}

[project.entry-points.loopengt]
{entry} = "{module}"
"""


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a package by hand, and returns its folder."""

    def write(
        source: str,
        name: str = "loopengt-acme",
        entry: str = "acme",
        module: str = "loopengt_acme.plugin",
        requires: str = '["loopengt>=0.2"]',
    ) -> Path:
        folder = tmp_path / "package"
        inner = folder / module.partition(".")[0]
        inner.mkdir(parents=True)
        (inner / "__init__.py").write_text("")
        (inner / "plugin.py").write_text(HEAD + dedent(source))
        (inner / "things.py").write_text("class Thing: pass\n")
        text = PYPROJECT.format(name=name, entry=entry, module=module, requires=requires)
        (folder / "pyproject.toml").write_text(text)
        return folder

    return write


def test_a_new_package_has_nothing_to_mend(made: Callable[..., Path], call: Callable[..., Result]) -> None:
    """What ``plugins new`` writes is sound, and its cost and components are shown."""
    done = call("check", made("gate", "acme-words"))
    assert done.exit_code == 0, done.output
    assert "loopengt-acme-words 0.1.0" in done.output
    assert "gates: acme_words" in done.output
    assert done.output.endswith("Nothing to mend.\n")


def test_everything_is_told_at_once(package: Callable[..., Path], call: Callable[..., Result]) -> None:
    """A plugin that is off in every way is told so, a line each, and the command exits with 1."""
    folder = package(
        """
        import asyncio, json, pydantic

        @hookimpl
        def loopengt_register_gates(register):
            register("command", "loopengt_acme.things:Thing", summary="checks things.")
            register("things", "loopengt_acme.nothing:Thing", summary="Checks " + "many " * 20 + "things")
        """,
        name="acme-kit",
        entry="gates",
        requires='["click", "loopengt"]',
    )
    done = call("check", folder)
    assert done.exit_code == 1
    for sentence in (
        "its name 'acme-kit' does not begin with loopengt-",
        "its requirement 'loopengt' names no lowest version",
        "imports asyncio, ",
        "pydantic",
        "its name 'gates' is also that of a plugin of loopengt",
    ):
        assert sentence in done.output, sentence


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def broken(:", "it cannot be imported: SyntaxError"),
        ("import os; print('noise', flush=True); os._exit(3)", "ended the process with exit code 3"),
        ("raise SystemExit('no')", "it cannot be imported: SystemExit: no"),
        ("", "it implements no hook"),
        ("def register_gates(register): pass", "it implements no hook (it has register_gates)"),
        (
            "@hookimpl\ndef loopengt_register_gate(register): pass",
            "there is no hook 'loopengt_register_gate', the nearest is 'loopengt_register_gates'",
        ),
        ("def loopengt_register_gates(register): pass", "is not marked as a hook"),
        (
            "@hookimpl\ndef loopengt_register_gates(add): pass",
            "takes add; the one argument that a hook is given is called register",
        ),
        ("@hookimpl\ndef loopengt_register_gates(): pass", "takes no argument"),
        ("@hookimpl\nasync def loopengt_register_gates(register): pass", "is a coroutine function"),
        (
            "@hookimpl\ndef loopengt_register_gates(register):\n    register('x', 'no reference', summary='X')",
            "the target of the gate 'x' is 'no reference'",
        ),
        (
            "@hookimpl\ndef loopengt_register_gates(register):\n"
            "    register('command', 'loopengt_acme.things:Thing', summary='checks things.')\n"
            "    register('things', 'loopengt_acme.nothing:Thing', summary='Checks things')",
            "the gate 'command' is also registered by the plugin 'gates'",
        ),
        (
            "@hookimpl\ndef loopengt_register_gates(register):\n"
            "    register('things', 'loopengt_acme.nothing:Thing', summary='checks things.')",
            "loopengt_acme.nothing:Thing cannot be imported: ModuleNotFoundError",
        ),
        (
            "@hookimpl\ndef loopengt_register_gates(register):\n"
            "    register('things', 'loopengt_acme.things:Thing', summary='Checks things.')",
            "ends with a full stop",
        ),
        ("LOOPENGT_API = 'newest'\nimport sqlite3\n", "imports sqlite3"),
    ],
)
def test_each_fault_is_named(
    package: Callable[..., Path], call: Callable[..., Result], source: str, sentence: str
) -> None:
    """The sentence says what is wrong with hook, import, target or summary, and the exit code is 1."""
    done = call("check", package(source))
    assert done.exit_code == 1
    assert sentence in done.output, done.output


def test_json_has_all_of_it(package: Callable[..., Path], call: Callable[..., Result]) -> None:
    """--json prints findings, import time and components, whatever the plugin prints while it is imported."""
    source = "print('noise')\nimport sqlite3\n@hookimpl\ndef loopengt_register_gates(register):\n"
    folder = package(source + "    register('things', dict, summary='Checks things')")
    done = call("check", folder, "--json")
    told: dict[str, Any] = json.loads(done.output)
    [plugin] = told["plugins"]
    assert (told["distribution"], told["findings"], done.exit_code) == ("loopengt-acme", [], 1)
    assert "sqlite3" in plugin["modules"]
    assert plugin["components"] == [
        {"kind": "gates", "name": "things", "summary": "Checks things", "problem": ""}
    ]


def test_built_in_plugins_are_sound(call: Callable[..., Result]) -> None:
    """A plugin of loopengt itself can be looked over by its name."""
    done = call("check", "gates")
    assert done.exit_code == 0, done.output
    assert "gates: expression" in done.output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "there is no"),
        ("[project", "is not valid TOML"),
        ("[project]\nname = 'x'", "declares no plugin of loopengt"),
        ("[project.entry-points]\nloopengt = 3", "declares no plugin of loopengt"),
        ("[project]\ndynamic = ['entry-points']", "it is computed: install the distribution"),
    ],
)
def test_a_folder_without_a_plugin_is_a_usage_error(
    tmp_path: Path, call: Callable[..., Result], text: str | None, sentence: str
) -> None:
    """The message names the file, and what is missing in it."""
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    done = call("check", tmp_path)
    assert (done.exit_code, sentence in done.output) == (2, True), done.output


@pytest.mark.parametrize(
    ("requirement", "sentence"),
    [
        ("loopengt>=0.2", ""),
        ("Loopengt [llm] (>=0.2,<1) ; python_version > '3'", ""),
        ("loopengt~=0.2", ""),
        ("loopengt==0.2.*", ""),
        ("loopengt<1", "names no lowest version"),
        ("loopengt @ file:///somewhere", "names no lowest version"),
        ("loopengt>=0.3", "leaves out loopengt 0.2.5"),
        ("loopengt>=0.2,<0.2.5", "leaves out loopengt 0.2.5"),
        ("loopengt~=0.1.0", "leaves out loopengt 0.2.5"),
        ("loopengt-otel>=1", "it does not require loopengt"),
    ],
)
def test_the_range_of_versions_is_read(requirement: str, sentence: str) -> None:
    """A requirement names a lowest version, and the one that is here is within it."""
    found = list(requirement_problems([requirement], "0.2.5"))
    assert [sentence in problem for problem in found] == ([True] if sentence else []), found


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (None, ""),
        ("1.2", ""),
        ("1.0", ""),
        ("1.3", "only the hooks 1.2"),
        ("2.0", "do not fit"),
        ("0.9", "do not fit"),
        ("one", "no version of the hooks"),
    ],
)
def test_the_version_of_the_hooks_is_held_against_ours(
    monkeypatch: pytest.MonkeyPatch, declared: str | None, sentence: str
) -> None:
    """The same major version with no later minor one fits; a plugin that declares none goes by its requirement."""
    monkeypatch.setattr(loopengt_hookspecs, "API_VERSION", (1, 2), raising=False)
    found = list(api_problems(declared))
    assert [sentence in problem for problem in found] == ([True] if sentence else []), found
