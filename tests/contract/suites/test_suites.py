"""``suite_for``, ``make_suite`` and ``rules``: every extension point has a suite, whose rules are sentences."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from loopengt import testing
from loopengt.errors import UsageError
from loopengt.testing import make_kernel
from loopengt.testing.suites import SUITES, make_suite, rules, suite_for
from loopengt_hookspecs import EXTENSION_POINTS


def test_every_extension_point_has_a_suite() -> None:
    """The keys are those of ``EXTENSION_POINTS``, and each suite is a public name of ``loopengt.testing``."""
    assert set(SUITES) == set(EXTENSION_POINTS)
    for kind in EXTENSION_POINTS:
        suite = suite_for(kind)
        assert getattr(testing, suite.__name__) is suite
        assert suite.__name__ in testing.__all__


@pytest.mark.parametrize("kind", sorted(EXTENSION_POINTS))
def test_every_rule_is_one_sentence(kind: str) -> None:
    """Each test of a suite has a docstring of one sentence, with a full stop, in few enough words to be printed."""
    said = rules(suite_for(kind))
    assert len(said) >= 5
    for sentence in said.values():
        assert sentence.endswith(".")
        assert 3 < len(sentence.split()) < 45
    assert len(set(said.values())) == len(said)


def test_an_unknown_kind_is_named_with_the_nearest() -> None:
    """A slip of the pen is answered with what was meant."""
    with pytest.raises(UsageError, match="judges"):
        suite_for("judge")


def test_an_unknown_sample_is_refused() -> None:
    """A sample that the suite does not take would test nothing, so it is an error that names those it takes."""
    with pytest.raises(UsageError, match="goood") as caught:
        make_suite("judges", "exact", kernel=make_kernel, goood=["x"])
    assert "good" in caught.value.remedy


def test_a_suite_is_made_of_a_registered_component(tmp_path: Path) -> None:
    """The made class has the component's name and runs the suite's rules on it."""
    made: Any = make_suite("metrics", "completed_steps", kernel=make_kernel)
    assert (made.__name__, made.__bases__) == ("TestCompletedSteps", (suite_for("metrics"),))
    made().test_a_finished_run_has_a_figure(tmp_path)


def test_without_a_kernel_the_installed_plugins_are_taken(tmp_path: Path) -> None:
    """``loopengt plugins test`` needs to say no more than kind and name."""
    made: Any = make_suite("exporters", "jsonl")
    made().test_an_empty_run_comes_out(tmp_path)


def test_a_component_that_is_not_there_breaks_every_rule(tmp_path: Path) -> None:
    """It is an assertion that says so, and no error of the suite."""
    made: Any = make_suite("metrics", "absent", kernel=make_kernel)
    with pytest.raises(AssertionError, match="no plugin registers the metric 'absent'"):
        made().test_a_finished_run_has_a_figure(tmp_path)


def test_pytest_is_not_imported_for_a_name() -> None:
    """A program that imports ``loopengt.testing`` or its suites does not import pytest."""
    modules = [where.partition(":")[0] for where in SUITES.values() if ".contracts." in where]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules!r}]; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_every_module_says_how_it_is_used() -> None:
    """The docstring of a suite's module has the example that an author copies."""
    for kind, where in SUITES.items():
        text = import_module(where.partition(":")[0]).__doc__ or ""
        assert "class Test" in text, kind


def test_the_page_names_every_suite_and_sample() -> None:
    """docs/contract-suites.md has a line for each suite, with all that a subclass may give."""
    page = (Path(__file__).parents[3] / "docs" / "contract-suites.md").read_text()
    for kind, where in SUITES.items():
        suite = suite_for(kind)
        [line] = [line for line in page.splitlines() if line.startswith(f"| `{kind}` ")]
        assert f"`{suite.__name__}`" in line, kind
        if ".contracts." in where:
            own = [name for name in vars(suite) if not name.startswith(("_", "test_", "make", "kernel"))]
            assert [name for name in own if f"`{name}" not in line] == [], kind
