"""``loopengt plugins test``: the contract suites on what a plugin registers, and the plugin's own tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopengt_cli_plugins.creating.kinds import KINDS
from loopengt_cli_plugins.suites.contracts import CONTRACTS
from loopengt_hookspecs import EXTENSION_POINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


def test_every_kind_has_its_suite_named() -> None:
    """No kind of component is forgotten."""
    assert set(CONTRACTS) == set(EXTENSION_POINTS)
    assert {kind.components for kind in KINDS.values()} <= set(CONTRACTS)


@pytest.mark.slow
def test_a_good_plugin_passes(made: Callable[..., Path], call: Callable[..., Result]) -> None:
    """Its judge keeps every rule that needs no sample, and its own tests pass."""
    done = call("test", made("judge"))
    assert done.exit_code == 0, done.output
    assert "judge acme_thing: " in done.output
    assert " rules kept, 0 broken" in done.output
    assert "own tests: " in done.output
    assert " 0 failed" in done.output


@pytest.mark.slow
def test_a_broken_rule_is_said_in_a_sentence(made: Callable[..., Path], call: Callable[..., Result]) -> None:
    """The rule, the test and what was found instead are told, and the exit code is 1."""
    folder = made("gate")
    file = folder / "loopengt_acme_thing" / "gate.py"
    text = file.read_text()
    assert "    def plan(self) -> str:" in text
    file.write_text(
        text.replace("    def plan(self) -> str:", "    def plan(self) -> str:\n        return ''", 1)
    )
    done = call("test", folder, "--only", "contract")
    assert done.exit_code == 1
    assert "gate acme_thing: " in done.output
    assert ", 1 broken" in done.output
    assert "plan() is ''" in done.output, done.output
    assert "own tests" not in done.output


@pytest.mark.slow
def test_samples_of_the_pyproject_reach_the_suite(
    made: Callable[..., Path], call: Callable[..., Result]
) -> None:
    """A rule that was left out for want of samples is held then, and one that the samples belie is broken."""
    folder = made("judge")
    with (folder / "pyproject.toml").open("a") as settings:
        settings.write(
            '\n[tool.loopengt.samples.judges.acme_thing]\ngood = ["a few words"]\nbad = ["fine, too"]\n'
        )
    done = call("test", folder, "--only", "contract")
    assert done.exit_code == 1
    assert "fine, too" in done.output
    file = folder / "pyproject.toml"
    file.write_text(file.read_text().partition("[tool.loopengt")[0] + "[tool.loopengt.samples]\njudges = 3\n")
    done = call("test", folder, "--only", "contract")
    assert (done.exit_code, "[tool.loopengt.samples.judges.acme_thing]" in done.output) == (2, True)


@pytest.mark.slow
def test_own_tests_that_fail_are_named(made: Callable[..., Path], call: Callable[..., Result]) -> None:
    """The sentence of the test is told, and the exit code is 1."""
    folder = made("metric")
    (folder / "tests" / "test_more.py").write_text(
        'def test_x():\n    """One is two."""\n    assert 1 == 2\n', encoding="utf-8"
    )
    done = call("test", folder, "--only", "own")
    assert done.exit_code == 1
    assert "- One is two." in done.output


@pytest.mark.slow
def test_own_tests_that_cannot_be_imported_are_named(
    made: Callable[..., Path], call: Callable[..., Result]
) -> None:
    """A file of tests that cannot be imported is a failure, with the reason."""
    folder = made("metric")
    (folder / "tests" / "test_more.py").write_text("import no_such_module\n", encoding="utf-8")
    done = call("test", folder, "--only", "own")
    assert done.exit_code == 1
    assert "No module named 'no_such_module'" in done.output


def test_a_plugin_that_cannot_be_loaded_is_told_so(
    made: Callable[..., Path], call: Callable[..., Result]
) -> None:
    """Nothing is held against a contract, and that is a failure."""
    folder = made("metric")
    (folder / "loopengt_acme_thing" / "plugin.py").write_text("import no_such_module\n")
    done = call("test", folder, "--only", "contract")
    assert done.exit_code == 1
    assert "acme_thing cannot be tested:" in done.output
    assert "no_such_module" in done.output


def test_without_pytest_it_says_what_to_install(
    made: Callable[..., Path], call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest is no requirement of loopengt, so it may be missing."""
    folder = made("metric")
    for name in [name for name in sys.modules if name.startswith("loopengt_cli_plugins.suites.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pytest", None)
    done = call("test", folder)
    assert (done.exit_code, "pip install pytest" in done.output) == (2, True)
