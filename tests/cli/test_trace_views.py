"""The ways to look at a run: events, a step at length, a file, and what does not go together."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from .trace_kit import END, RUN, lap, look, record, start

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def laps(tmp_path: Path) -> Path:
    """A project with a run of two laps, the first of which fails its gate."""
    record(tmp_path, [start(), *lap(1, "one\ntwo " + "y" * 5_000, passed=False), *lap(2), END])
    return tmp_path


def test_events_are_lines_with_position_time_type_and_step(
    laps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each event has one line, in order; with --step those of the step alone."""
    shown = look(capsys, laps, "trace", RUN, "--events")
    lines = shown.out.splitlines()
    assert (shown.code, shown.err, len(lines)) == (0, "", 16)
    assert lines[0].split()[:3] == ["1", "12:00:00.000", "loop.start"]
    assert lines[6].split()[2:6] == ["gate.fail", "work#1", "tests", "FAIL"]
    assert lines[-1].endswith("goal_met  all is well")
    second = look(capsys, laps, "trace", RUN, "--events", "--step", "work#2").out.splitlines()
    assert second == lines[8:15]


def test_a_step_is_shown_with_prompt_calls_output_and_feedback(
    laps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that is known of an execution is there, long texts cut, with what is missing counted."""
    shown = look(capsys, laps, "trace", RUN, "--step", "work#1").out
    assert shown.startswith("work#1\n  attempt 1\n")
    assert "work#2" not in shown
    for name in ("prompt", "input", "output", "feedback", "proof, output_tail"):
        assert f"      {name}, 5,0" in shown, name
    assert "\n      │ one\n      │ two yyy" in shown
    assert shown.count("characters more; --full shows more") == 6
    full = look(capsys, laps, "trace", RUN, "--step", "work#1", "--full").out
    assert "characters more" not in full
    assert full.count("y" * 5_000) == 6


def test_all_executions_of_a_step_are_shown_by_its_name(
    laps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a number each execution has its heading; JSON has the events of all of them."""
    shown = look(capsys, laps, "trace", RUN, "--step", "work").out
    assert [line for line in shown.splitlines() if line.startswith("work")] == ["work#1", "work#2"]
    events = json.loads(look(capsys, laps, "trace", RUN, "--step", "work", "-f", "json").out)
    assert len(events) == 14
    assert {event["step_name"] for event in events} == {"work"}


def test_items_belong_to_their_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name of a step with for_each means its items, and that of an item means it alone."""
    items = [*lap(1, step="each[0]"), *lap(1, step="each[1]")]
    record(tmp_path, [start(), *items, *lap(2, step="each#1"), END])
    both = look(capsys, tmp_path, "trace", RUN, "--step", "each", "--events").out.splitlines()
    assert len(both) == 14
    assert len(look(capsys, tmp_path, "trace", RUN, "--step", "each[1]", "--events").out.splitlines()) == 7
    numbered = look(capsys, tmp_path, "trace", RUN, "--step", "each#1", "--events").out
    assert "each#1#2" in numbered, "a step may be called like an execution of another"


def test_child_runs_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Events of a child run stand behind the beginning of its step, with its name before their position."""
    child = f"{RUN}-inner"
    record(tmp_path, [start(child, parent=RUN, parent_step="work"), *lap(1, "inside", step="deep"), END])
    outer = lap(1)
    outer[0][2]["run"] = child
    record(tmp_path, [start(), *outer, END])
    lines = look(capsys, tmp_path, "trace", RUN, "--events").out.splitlines()
    assert [line.split()[0] for line in lines][:4] == ["1", "2", "inner:1", "inner:2"]
    assert "deep#1  run inner" in look(capsys, tmp_path, "trace", RUN, "--step", "deep").out


@pytest.mark.parametrize("inner", [RUN, f"{RUN}-inner"])
@pytest.mark.parametrize(
    "words", ["-f tree", "-f markdown", "-f html", "--events", "--follow", f"--diff {RUN}"]
)
def test_runs_that_name_each_other_as_children_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], inner: str, words: str
) -> None:
    """A journal from elsewhere, in which a run is its own child or grandchild, is shown like any other."""
    for run_id, child in {inner: RUN, RUN: inner}.items():
        entries = lap(1)
        entries[0][2]["run"] = child
        record(tmp_path, [start(run_id), *entries, END])
    shown = look(capsys, tmp_path, "trace", RUN, *words.split())
    assert (shown.code, shown.err) == (0, "")
    assert shown.out


def test_an_unknown_step_is_a_usage_error(laps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest step is named, or how often the step was executed; nothing is printed."""
    for text, words in (("wokr", "the nearest is 'work'"), ("work#3", "was executed 2 times")):
        shown = look(capsys, laps, "trace", RUN, "--step", text)
        assert (shown.code, shown.out) == (2, "")
        assert words in shown.err


@pytest.mark.parametrize(
    "words",
    [
        ["--full"],
        ["--follow", "--diff", "x"],
        ["--follow", "-f", "tree"],
        ["--follow", "-o", "x"],
        ["--diff", "x", "--step", "work"],
        ["--diff", "x", "-f", "markdown"],
        ["--events", "-f", "json"],
        ["--step", "work", "-f", "markdown"],
        ["--all", "-f", "json"],
    ],
)
def test_what_does_not_go_together_is_refused(
    laps: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Options that exclude each other are a usage error, not one that wins in silence."""
    shown = look(capsys, laps, "trace", RUN, *words)
    assert (shown.code, shown.out) == (2, "")


def test_many_calls_are_counted_unless_all_are_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than twenty calls of an attempt become one line; --all shows each, in the tree and in the report."""
    begin, *rest = lap(1)
    call = {"attempt": 1, "tool": "read", "input": {"path": "a"}}
    calls = [("tool.call", "work", call | {"call": f"c{number}"}) for number in range(25)]
    record(tmp_path, [start(), begin, *calls, *rest, END])
    assert "26 tool calls" in look(capsys, tmp_path, "trace", RUN).out
    assert look(capsys, tmp_path, "trace", RUN, "--all").out.count("tool read") == 25
    assert look(capsys, tmp_path, "trace", RUN, "-f", "markdown").out.count("tool read") == 0
    assert look(capsys, tmp_path, "trace", RUN, "-f", "markdown", "--all").out.count("tool read") == 25


def test_a_document_goes_into_a_file(laps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o writes what stdout would have got; a link stays a link, a mode stays, and no draft is left."""
    folder = laps / "out"
    folder.mkdir()
    real = folder / "real.md"
    real.write_text("old")
    real.chmod(0o640)
    (folder / "link.md").symlink_to(real)
    shown = look(capsys, laps, "trace", RUN, "-f", "markdown", "-o", str(folder / "link.md"))
    assert (shown.code, shown.out) == (0, "")
    assert real.read_text() == look(capsys, laps, "trace", RUN, "-f", "markdown").out
    assert real.stat().st_mode & 0o777 == 0o640
    assert (folder / "link.md").is_symlink()
    assert {path.name for path in folder.iterdir()} == {"real.md", "link.md"}


def test_a_file_that_cannot_be_written_is_left_as_it_is(
    laps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder and a missing folder are refused before anything is read; what the system refuses is an error."""
    for target, words in (("out", "is a folder"), ("none/x", "there is no folder")):
        (laps / "out").mkdir(exist_ok=True)
        shown = look(capsys, laps, "trace", RUN, "-o", str(laps / target))
        assert shown.code == 2
        assert words in shown.err
    shown = look(capsys, laps, "trace", RUN, "-o", "/proc/nothing.md")
    assert shown.code == 1
    assert "/proc/nothing.md cannot be written" in shown.err


def test_a_pipe_is_written_into_and_stays_one(laps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no ordinary file, such as a device, is not replaced by one."""
    shown = look(capsys, laps, "trace", RUN, "-o", os.devnull)
    assert shown.code == 0, shown.err
    assert not os.path.isfile(os.devnull)
