"""Watching a program while it runs: its lines, its silence, and the time that it has left."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from loopengt.processes import ProgramResult, Watch, run_program


async def watched(tmp_path: Path, source: str, watch: Watch, **options: float) -> ProgramResult:
    """Run Python source under a watch."""
    env = {"PATH": os.defpath}
    return await run_program([sys.executable, "-SuEc", source], cwd=tmp_path, env=env, watch=watch, **options)


async def test_lines_arrive_one_by_one(tmp_path: Path) -> None:
    """Each line of standard output arrives whole and once, long ones, empty ones and one without an end included."""
    lines: list[bytes] = []
    source = (
        "import sys; sys.stdout.write('a\\n\\nb\\r\\n' + 'x' * 300000 + '\\nend'); sys.stderr.write('no\\n')"
    )
    result = await watched(tmp_path, source, Watch(lines.append))
    assert lines == [b"a", b"", b"b", b"x" * 300_000, b"end"]
    assert (result.exit_code, result.stderr) == (0, b"no\n")


async def test_lines_arrive_while_it_runs(tmp_path: Path) -> None:
    """A line is seen before the program ends, and may give it a time to leave, after which it is ended."""
    watch = Watch(lambda line: watch.leave_within(0.1))
    began = time.monotonic()
    result = await watched(tmp_path, "import time; print('done'); time.sleep(60)", watch)
    assert (watch.ended_by, result.exit_code < 0, result.timed_out) == ("overstayed", True, False)
    assert time.monotonic() - began < 20


async def test_the_time_to_leave_can_be_taken_back(tmp_path: Path) -> None:
    """A program that was told to leave and then may stay ends by itself."""

    def on_line(line: bytes) -> None:
        watch.leave_within(0.3) if line == b"done" else watch.stay()

    watch = Watch(on_line)
    source = "import time; print('done'); print('not yet'); time.sleep(0.6)"
    assert (await watched(tmp_path, source, watch)).exit_code == 0
    assert watch.ended_by == ""


@pytest.mark.slow
async def test_silence_ends_it(tmp_path: Path) -> None:
    """A program that writes nothing for long is ended; one that writes to standard error now and then is not."""
    silent = Watch(idle_seconds=0.3)
    await watched(tmp_path, "import time; time.sleep(60)", silent)
    assert silent.ended_by == "idle"
    busy = Watch(idle_seconds=1.0)
    source = "import sys, time\nfor _ in range(8): time.sleep(0.2); print(1, file=sys.stderr)"
    assert (await watched(tmp_path, source, busy)).exit_code == 0
    assert busy.ended_by == ""


async def test_the_whole_time_still_counts(tmp_path: Path) -> None:
    """Under a watch a time limit is kept as without one."""
    watch = Watch(idle_seconds=60)
    result = await watched(tmp_path, "import time; time.sleep(60)", watch, timeout=0.2)
    assert (result.timed_out, watch.ended_by) == (True, "timeout")


async def test_what_the_watcher_raises_is_raised(tmp_path: Path) -> None:
    """An error in the function that takes the lines ends the program and reaches the caller."""

    def on_line(line: bytes) -> None:
        raise KeyError(line.decode())

    began = time.monotonic()
    with pytest.raises(KeyError, match="one"):
        await watched(tmp_path, "import time; print('one'); print('two'); time.sleep(60)", Watch(on_line))
    assert time.monotonic() - began < 20


async def test_a_line_without_end_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than can be held is counted and left out; those behind it are seen."""
    monkeypatch.setattr("loopengt.processes.watching.LONGEST_LINE", 100_000)
    lines: list[bytes] = []
    watch = Watch(lines.append)
    await watched(tmp_path, "print('x' * 500000); print('after')", watch)
    assert (lines, watch.long_lines) == ([b"after"], 1)
