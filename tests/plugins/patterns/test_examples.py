"""The examples of the patterns do what their READMEs say, from the command line, on a copy of each folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
LEFTOVERS = shutil.ignore_patterns("workspaces", "*.db*", "__pycache__")


def run(folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Run the loop of a folder in place; return the exit code and its events."""
    command = [sys.executable, "-m", "loopengt", "run", str(folder), "--in-place", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def project(tmp_path: Path, name: str) -> Path:
    """Copy an example."""
    return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=LEFTOVERS))


def taken(events: list[dict[str, Any]]) -> list[str]:
    """The steps in the order in which they began."""
    return [event["step_name"] for event in events if event["event_type"] == "step.start"]


@pytest.mark.parametrize("name", ["fan-out", "supervisor", "handoff", "custom-pattern"])
def test_an_example_is_valid_and_ends_goal_met(tmp_path: Path, name: str) -> None:
    """Each runs offline, as it is, to success."""
    code, events = run(project(tmp_path, name))
    assert code == 0
    assert events[-1]["event_type"] == "loop.complete"
    assert events[-1]["data"]["reason"] == "goal_met"


def test_fan_out_begins_what_is_missing_once(tmp_path: Path) -> None:
    """Nine turns in the first run; in the second all links are good and the step is skipped."""
    folder = project(tmp_path, "fan-out")
    assert len(taken(run(folder)[1])) == 9
    assert (folder / "docs" / "files.md").read_text() == "# Files\n"
    again = taken(run(folder)[1])
    assert len(again) == 10
    assert "begin" not in again


def test_the_supervisor_sends_each_worker_as_told(tmp_path: Path) -> None:
    """The turns are those of the README; without the stop condition the supervisor has the last word."""
    folder = project(tmp_path, "supervisor")
    spec = folder / "loop.yaml"
    untouched = (folder / "NOTES.md").read_text()
    turns = ["decide", "review", "decide", "write", "decide", "review"]
    assert taken(run(folder)[1]) == turns
    assert "## Fixed" in (folder / "NOTES.md").read_text()
    (folder / "NOTES.md").write_text(untouched)
    spec.write_text(spec.read_text().partition("stop_conditions:")[0])
    code, events = run(folder)
    assert (code, taken(events)) == (0, [*turns, "decide"])


@pytest.mark.parametrize(
    ("letter", "way", "reply"),
    [(None, "order", "That is 39 in all."), ("How much is a kite?", "question", "price list is enclosed")],
)
def test_the_letter_goes_the_right_way(tmp_path: Path, letter: str | None, way: str, reply: str) -> None:
    """The porter names the desk, and the reply is written from what that one hands on."""
    folder = project(tmp_path, "handoff")
    if letter:
        (folder / "letter.txt").write_text(letter)
    _, events = run(folder)
    assert taken(events) == ["sort", way, "reply"]
    assert reply in (folder / "reply.txt").read_text()


def test_the_custom_pattern_halves(tmp_path: Path) -> None:
    """Three versions of ten are tried, and the end names the first bad one."""
    _, events = run(project(tmp_path, "custom-pattern"))
    assert len(taken(events)) == 3
    assert events[-1]["data"]["detail"] == "the first bad version is 1.6"
