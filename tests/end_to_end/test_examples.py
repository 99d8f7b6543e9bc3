"""Runs the examples as a user would: from the command line, on a copy of each folder."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from loopengt_hookspecs.models import parse_event

EXAMPLES = Path(__file__).parents[2] / "examples"
LEFTOVERS = shutil.ignore_patterns("workspaces", "*.db*", "__pycache__", ".*_cache")

pytestmark = pytest.mark.timeout(300)


class Finished(NamedTuple):
    """A run that has ended, and the project it worked on."""

    project: Path
    untouched: dict[str, str]
    """The project's files before the run."""
    exit_code: int
    stdout: str
    stderr: str

    def record(self) -> dict[str, Any]:
        """Return what ``runs --json`` tells of the only run."""
        (record,) = json.loads(command(self.project, "runs", "--json").stdout)
        return dict(record)

    def trace(self) -> list[dict[str, Any]]:
        """Return the events that ``trace --format json`` prints."""
        shown = command(self.project, "trace", self.record()["run_id"], "--format", "json")
        assert shown.returncode == 0, shown.stderr
        return list(json.loads(shown.stdout))

    def workspace(self) -> Path:
        """Return the folder in which the run worked."""
        return Path(self.project, ".loopengt", "workspaces", self.record()["run_id"])


def environment() -> dict[str, str]:
    """Return this process's environment as an activated virtual environment has it, without pytest's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``loopengt`` in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "loopengt", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def texts(folder: Path) -> dict[str, str]:
    """Read a project's Python files; what lies in a hidden folder is not among them."""
    files = (path for path in folder.rglob("*.py") if not path.relative_to(folder).as_posix().startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def run_example(tmp_path: Path, name: str, spec: str = "", *options: str) -> Finished:
    """Copy an example and run one of its loops from outside the folder."""
    project = tmp_path / name
    shutil.copytree(EXAMPLES / name, project, ignore=LEFTOVERS)
    # Many projects hide all of .loopengt from tools; a linter that then sees no file must not pass the gate.
    (project / ".ignore").write_text(".loopengt/**\n", encoding="utf-8")
    untouched = texts(project)
    done = command(tmp_path, "run", str(project / spec), *options)
    return Finished(project, untouched, done.returncode, done.stdout, done.stderr)


def check(folder: Path, *arguments: str) -> int:
    """Run a module of Python in a folder and return its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    return done.returncode


def laps(trace: list[dict[str, Any]]) -> int:
    """Count the laps of a loop with one step."""
    return len({event["turn"] for event in trace if event["event_type"] == "step.start"})


def verdicts(trace: list[dict[str, Any]], gate: str) -> list[tuple[str, int]]:
    """List the verdicts of a gate, in order, each with the exit code that proves it."""
    return [
        (event["event_type"], event["data"]["proof"]["exit_code"])
        for event in trace
        if event["event_type"] in ("gate.pass", "gate.fail") and event["data"]["gate"] == gate
    ]


@pytest.fixture(scope="module")
def fix_lint(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Run the example fix-lint once for several tests."""
    return run_example(tmp_path_factory.mktemp("fix_lint"), "fix-lint")


@pytest.fixture(scope="module")
def repair(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Run the example repair once for several tests."""
    return run_example(tmp_path_factory.mktemp("repair"), "repair")


@pytest.fixture(scope="module")
def unmendable(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Run the second loop of the example repair once for several tests."""
    return run_example(tmp_path_factory.mktemp("unmendable"), "repair", "unmendable.yaml")


@pytest.mark.parametrize("name", ["fix_lint", pytest.param("repair", marks=pytest.mark.slow)])
def test_a_mending_loop_ends_goal_met_after_several_laps(name: str, request: pytest.FixtureRequest) -> None:
    """The exit code, the text and the journal agree that feedback was needed and led to the goal."""
    run: Finished = request.getfixturevalue(name)
    assert run.exit_code == 0, run.stdout + run.stderr
    assert "goal_met" in run.stdout + run.stderr
    assert run.record()["reason"] == "goal_met"
    assert 2 <= laps(run.trace()) <= 6


@pytest.mark.slow
def test_fix_lint_is_proved_by_exit_codes(fix_lint: Finished) -> None:
    """Each gate failed at first, passed at last, and its recorded exit code is the proof of both."""
    trace = fix_lint.trace()
    for gate in ("lint", "tests"):
        first, *_, last = verdicts(trace, gate)
        assert (first, last) == (("gate.fail", 1), ("gate.pass", 0))


@pytest.mark.slow
def test_fix_lint_mends_a_copy(fix_lint: Finished) -> None:
    """The copy satisfies ruff and pytest, which the project itself, left as it was, does not."""
    assert texts(fix_lint.project) == fix_lint.untouched
    for folder, passes in ((fix_lint.workspace(), True), (fix_lint.project, False)):
        assert (check(folder, "ruff", "check", "--quiet", ".") == 0) is passes
        assert (check(folder, "pytest", "-q") == 0) is passes


@pytest.mark.slow
def test_fix_lint_keeps_the_tests(fix_lint: Finished) -> None:
    """The loop mends the package; the tests that judge it are the same afterwards."""
    mended = texts(fix_lint.workspace())
    changed = {name for name, text in fix_lint.untouched.items() if mended[name] != text}
    assert mended.keys() == fix_lint.untouched.keys()
    assert changed == {f"stockroom/{name}.py" for name in ("items", "ledger", "pricing", "report")}


@pytest.mark.slow
def test_fix_lint_in_place_mends_the_project(tmp_path: Path) -> None:
    """With --in-place the files themselves are mended, and --json prints nothing but the run's events."""
    run = run_example(tmp_path, "fix-lint", "", "--in-place", "--json")
    assert run.exit_code == 0, run.stderr
    events = [parse_event(json.loads(line)).event_type.value for line in run.stdout.splitlines()]
    assert (events[0], events[-1]) == ("loop.start", "loop.complete")
    assert {"gate.fail", "gate.pass", "agent.response"} <= set(events)
    assert not run.workspace().exists()
    assert check(run.project, "ruff", "check", "--quiet", ".") == 0
    assert check(run.project, "pytest", "-q") == 0


@pytest.mark.slow
def test_repair_changes_two_comparisons(repair: Finished) -> None:
    """Of the whole copy only the two wrong comparisons are changed, and the tests pass."""
    mended = texts(repair.workspace())
    (changed,) = (name for name, text in repair.untouched.items() if mended[name] != text)
    assert changed == "intervals/intervals.py"
    lines = difflib.ndiff(repair.untouched[changed].splitlines(), mended[changed].splitlines())
    assert [line[2:].strip() for line in lines if line.startswith("+")] == [
        "if merged and start <= merged[-1][1]:",
        "while low <= high:",
    ]
    assert texts(repair.project) == repair.untouched
    assert check(repair.workspace(), "pytest", "-q", "intervals") == 0


@pytest.mark.slow
def test_repair_mends_one_bug_a_lap(repair: Finished) -> None:
    """The gate fails before any feedback and after the first bug is mended, and passes after the second."""
    assert verdicts(repair.trace(), "tests") == [("gate.fail", 1), ("gate.fail", 1), ("gate.pass", 0)]


@pytest.mark.slow
def test_an_unmendable_bug_ends_exhausted(unmendable: Finished) -> None:
    """A loop that runs out of turns says so, and its exit code is not that of success."""
    assert unmendable.exit_code == 3, unmendable.stdout + unmendable.stderr
    assert "exhausted" in unmendable.stdout + unmendable.stderr
    assert "goal_met" not in unmendable.stdout + unmendable.stderr
    assert unmendable.record()["reason"] == "exhausted"


@pytest.mark.slow
def test_an_unmendable_bug_leaves_every_file_alone(unmendable: Finished) -> None:
    """Each lap's gate failed, and a change that does not help is never kept."""
    assert verdicts(unmendable.trace(), "tests") == [("gate.fail", 1)] * 3
    assert texts(unmendable.workspace()) == texts(unmendable.project) == unmendable.untouched
