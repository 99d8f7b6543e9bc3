"""The observer terminal on a terminal: what it draws, and that it gives the terminal back."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from loopengt_terminal.live import LiveView, status
from loopengt_terminal.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loopengt_hookspecs.models import TraceEvent

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"

LOOP = """\
name: demo
goal: Count to two.
pattern: repeat
agents:
  - name: counter
    config: {provider: command, extra: {command: ["%s", agent.py], output: json}}
steps:
  - {name: count, agent: counter, verification_gates: [two]}
policy:
  max_turns: 5
  verification_gates:
    - {name: two, condition: output.count >= 2}
"""

RESUMED = {
    "elapsed": 3600.0,
    "turn": 2,
    "tokens": 1500,
    "cost_usd": 0.25,
    "unknown_costs": 0,
    "limits": {"max_turns": 5, "max_total_time_seconds": 7200.0, "max_tokens": 2000, "max_cost_usd": 1.0},
}
"""Data of a ``loop.resume`` event."""

AGENT = """\
import json, os, signal, time
print(json.dumps({"count": int(os.environ["LOOPENGT_OCCURRENCE"])}), flush=True)
if os.path.exists("never-end"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)
time.sleep(0.3)
"""


@pytest.fixture
def drawn() -> io.StringIO:
    """What the view has written."""
    return io.StringIO()


@pytest.fixture
def view(drawn: io.StringIO) -> LiveView:
    """A view on a terminal of 100 columns."""
    return LiveView(Console(file=drawn, force_terminal=True, width=100, color_system=None), verbose=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a loop of two laps."""
    (tmp_path / "loop.yaml").write_text(LOOP % sys.executable)
    (tmp_path / "agent.py").write_text(AGENT)
    return tmp_path


def test_a_running_step_is_shown(view: LiveView, drawn: io.StringIO, events: list[TraceEvent]) -> None:
    """The lower part names step, lap and what it does, above the status line."""
    view.show(events[:4])
    view.close()
    step, line = drawn.getvalue().splitlines()[:2]
    assert "mend (lap 1) checking" in step
    assert line.startswith("turn 1 of 1 · ")


def test_the_status_tells_what_is_left(events: list[TraceEvent]) -> None:
    """Turns, time, tokens and money are told with their limits and what is left of them."""
    progress = Progress(events[0].run_id, events[0].timestamp)
    for event in events[:4]:
        progress.apply(event)
    assert status(progress, events[0].timestamp + timedelta(seconds=100)) == (
        "turn 1 of 1 · 1m 40s (3m 20s left) · 1,500 tokens (500 left) · $0.2500 ($0.7500 left)"
        " · Ctrl-C pauses"
    )


def test_finished_lines_scroll_by(view: LiveView, drawn: io.StringIO, events: list[TraceEvent]) -> None:
    """Verdicts and ends are printed once and stay; what was only under way is not printed."""
    view.show(events)
    view.close()
    text = drawn.getvalue()
    assert text.count("gate tests FAIL exit 1, 3 failed, 1 passed in 0.10s") == 1
    assert text.count("run exhausted after 3.0s") == 1
    assert "attempt 1: agent mender" not in text
    assert text.rindex(SHOW) > text.rindex(HIDE)


def test_many_steps_do_not_fill_the_screen(
    view: LiveView, drawn: io.StringIO, make: Callable[..., list[TraceEvent]]
) -> None:
    """Of a hundred steps under way eight are shown, and the number of the others."""
    data = {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "mender"}
    view.show(make(*(("step.start", f"step {number}", data) for number in range(100))))
    view.close()
    assert "step 7 (lap 1) working" in drawn.getvalue()
    assert "step 8 " not in drawn.getvalue()
    assert "and 92 more steps" in drawn.getvalue()


def test_a_resumed_run_shows_its_totals(make: Callable[..., list[TraceEvent]]) -> None:
    """What was used before counts, for each limit, together with what is used since."""
    usage = {"token_usage": {"total_tokens": 300}, "cost_usd": None}
    resume, begun, answered = make(
        ("loop.resume", None, RESUMED),
        ("step.start", "mend", {"turn": 3, "occurrence": 3, "attempt": 1, "agent": "mender"}),
        ("agent.response", "mend", {"attempt": 1, "output": "did it", "duration": 0.2} | usage),
    )[1:]
    progress = Progress(resume.run_id, resume.timestamp)
    progress.apply(resume)
    assert status(progress, resume.timestamp) == (
        "turn 2 of 5 · 1h 00m (1h 00m left) · 1,500 tokens (500 left) · $0.2500 ($0.7500 left)"
        " · Ctrl-C pauses"
    )
    progress.apply(begun)
    progress.apply(answered)
    assert status(progress, resume.timestamp) == (
        "turn 3 of 5 · 1h 00m (1h 00m left) · 1,800 tokens (200 left) · at least $0.2500 ($0.7500 left)"
        " · Ctrl-C pauses"
    )


def read_until(descriptor: int, mark: str, seconds: float = 60.0) -> str:
    """Read a terminal until it shows something; empty: until its program has ended."""
    import select

    text = ""
    until = datetime.now() + timedelta(seconds=seconds)  # noqa: DTZ005 - only the difference counts
    while not mark or mark not in text:
        left = (until - datetime.now()).total_seconds()  # noqa: DTZ005
        assert left > 0, f"{mark!r} is not in {text!r}"
        if not select.select([descriptor], [], [], left)[0]:
            continue
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # Linux reports the end of a pseudo-terminal so
            data = b""
        if not data:
            assert not mark, f"{mark!r} is not in {text!r}"
            break
        text += data.decode(errors="replace")
    return text


def begin(folder: Path, **environ: str) -> tuple[subprocess.Popen[bytes], int]:
    """Run the loop on a terminal of its own; return the process and our end of the terminal."""
    ours, theirs = pty.openpty()
    own = {key: value for key, value in os.environ.items() if not key.startswith("LOOPENGT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "loopengt", "run", "."],
        cwd=folder,
        env=own | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"} | environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    return process, ours


def test_a_run_on_a_terminal_is_shown_live(folder: Path) -> None:
    """A real run draws its steps with a spinner and its limits, and leaves cursor and summary behind."""
    process, terminal = begin(folder)
    text = read_until(terminal, "")
    assert process.wait(30) == 0
    os.close(terminal)
    assert "count (lap 2) working · counter" in text
    assert "turn 2 of 5" in text
    assert "gate two FAIL" in text
    assert "gate two pass" in text
    assert text.count(HIDE) == 1
    assert text.rindex(SHOW) > text.rindex(HIDE)
    assert "goal_met: every gate of lap 2 passed" in text[text.rindex(SHOW) :]


def test_a_dumb_terminal_gets_plain_lines(folder: Path) -> None:
    """Where the terminal cannot move its cursor, no escape sequence is written."""
    process, terminal = begin(folder, TERM="dumb")
    text = read_until(terminal, "")
    assert process.wait(30) == 0
    os.close(terminal)
    assert "\x1b" not in text
    assert "step count (lap 2) attempt 1: agent counter" in text


def test_an_aborted_run_gives_the_terminal_back(folder: Path) -> None:
    """After Ctrl-C twice the process is gone at once, and the cursor can be seen again."""
    (folder / "never-end").touch()
    process, terminal = begin(folder)
    text = read_until(terminal, "working")
    process.send_signal(signal.SIGINT)
    text += read_until(terminal, "Once more to abort")
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    text += read_until(terminal, "")
    os.close(terminal)
    assert process.returncode == 130
    assert text.rindex(SHOW) > text.rindex(HIDE)
