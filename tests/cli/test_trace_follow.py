"""``trace --follow``: events of a run that another process drives, as they come."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import environment, until
from .trace_kit import END, RUN, damage, lap, look, record, start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from .conftest import Bench


def test_a_run_that_is_over_is_shown_and_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All events that there are, then the command ends; with --step those of the step, at length."""
    record(tmp_path, [start(), *lap(1), END])
    shown = look(capsys, tmp_path, "trace", RUN, "--follow")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == look(capsys, tmp_path, "trace", RUN, "--events").out
    step = look(capsys, tmp_path, "trace", RUN, "--follow", "--step", "work#1").out
    assert step == look(capsys, tmp_path, "trace", RUN, "--step", "work#1").out


def test_events_of_child_runs_come_among_those_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A child run is found by the step that it does, and one that never began holds nothing up."""
    child = f"{RUN}-inner"
    record(tmp_path, [start(child), *lap(1, step="deep"), END])
    first, second = lap(1), lap(2)
    first[0][2]["run"], second[0][2]["run"] = child, f"{RUN}-never"
    record(tmp_path, [start(), *first, *second, END])
    shown = look(capsys, tmp_path, "trace", RUN, "--follow").out
    assert shown.count("deep#1") == 7
    assert shown.count("work#2") == 7


def test_a_crashed_run_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody drives it, so nothing comes any more: that is said, with the way on."""
    record(tmp_path, [start(), *lap(1)])
    shown = look(capsys, tmp_path, "trace", RUN, "--follow")
    assert shown.code == 0
    assert shown.out.count("\n") == 8
    assert f"resume {RUN}" in shown.err


def test_damage_ends_the_looking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What comes before the damage is shown, then the error, exit code 1."""
    record(tmp_path, [start(), *lap(1), END])
    damage(tmp_path)
    shown = look(capsys, tmp_path, "trace", RUN, "--follow")
    assert (shown.code, shown.out.count("loop.start")) == (1, 1)
    assert "cannot be read" in shown.err


def _follow(bench: Bench, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "loopengt", "trace", "latest", "--follow", *words],
        cwd=bench.project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _lines(process: subprocess.Popen[str], enough: Callable[[str], bool]) -> list[str]:
    assert process.stdout is not None
    found: list[str] = []
    while not found or not enough(found[-1]):
        line = process.stdout.readline()
        assert line, "it ended too early"
        found.append(line)
    return found


@pytest.mark.slow
def test_a_run_of_another_process_is_followed_to_its_end(bench: Bench, hang: str) -> None:
    """Events are there while the agent still works, as whole JSON lines in a pipe; the end of the run ends it."""
    bench.loop(hang, goal="output.count >= 1")
    run = bench.start("run", ".", "--quiet")
    try:
        bench.pids()
        until(lambda: bool(bench.runs()))
        looking = _follow(bench, "-f", "jsonl")
        first = _lines(looking, lambda line: True)
        assert json.loads(first[0])["event_type"] == "loop.start"
        assert run.poll() is None, "the run goes on"
        bench.go()
        out, err = looking.communicate(timeout=60)
        kinds = [json.loads(line)["event_type"] for line in out.splitlines()]
        assert (looking.returncode, err, kinds[-1]) == (0, "", "loop.complete")
    finally:
        run.communicate(timeout=60)
    assert run.returncode == 0


@pytest.mark.slow
def test_ctrl_c_ends_only_the_looking(bench: Bench, hang: str) -> None:
    """The run goes on and reaches its goal; the exit code is 0, since nothing went wrong."""
    bench.loop(hang, goal="output.count >= 1")
    run = bench.start("run", ".", "--quiet")
    try:
        bench.pids()
        until(lambda: bool(bench.runs()))
        looking = _follow(bench)
        _lines(looking, lambda line: "loop.start" in line)
        os.killpg(looking.pid, signal.SIGINT)
        _, err = looking.communicate(timeout=60)
        assert (looking.returncode, err) == (0, "Not looking any more; the run goes on.\n")
        assert run.poll() is None
        bench.go()
    finally:
        run.communicate(timeout=60)
    assert run.returncode == 0


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_quietly(bench: Bench, hang: str) -> None:
    """As with ``| head``: no traceback, and the run goes on."""
    bench.loop(hang, goal="output.count >= 1")
    run = bench.start("run", ".", "--quiet")
    try:
        bench.pids()
        until(lambda: bool(bench.runs()))
        looking = _follow(bench)
        _lines(looking, lambda line: "loop.start" in line)
        assert looking.stdout is not None
        looking.stdout.close()
        bench.go()
        assert looking.stderr is not None
        err = looking.stderr.read()
        looking.stderr.close()
        assert looking.wait(60) == 141
        assert err == ""
    finally:
        run.communicate(timeout=60)
    assert run.returncode == 0
