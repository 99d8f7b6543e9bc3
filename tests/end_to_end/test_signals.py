"""Ctrl-C, once and twice, on a real terminal and at moments at which it hurts most."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from loopengt.journal import load_run
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from tests.end_to_end.conftest import Stage

    Until = Callable[..., None]

HANGS = 'echo "$LOOPENGT_STEP" >> "$MARKS/begun"; until [ -e "$MARKS/go" ]; do sleep 0.02; done; echo done'
STUBBORN = f"trap '' TERM INT HUP; {HANGS}"
CTRL_C = b"\x03"


class Terminal:
    """A terminal with ``loopengt`` in its foreground."""

    def __init__(self, stage: Stage, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        environment = {name: text for name, text in os.environ.items() if not name.startswith("LOOPENGT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loopengt", *arguments],
            cwd=stage.project,
            env=environment | {"TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        )
        os.close(slave)
        self.screen = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def end(self) -> int:
        """Wait for the end of the program and return its exit code."""
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait(30)
            self._reader.join(30)
            os.close(self._master)

    def _read(self) -> None:
        with suppress(OSError):  # the program has gone, and with it the other end
            while chunk := os.read(self._master, 4096):
                self.screen += chunk


@pytest.fixture
def terminal(stage: Stage) -> Iterator[Callable[..., Terminal]]:
    """``terminal(ARGUMENTS…)`` opens a terminal with a command in it."""
    opened: list[Terminal] = []

    def open_terminal(*arguments: str) -> Terminal:
        opened.append(Terminal(stage, *arguments))
        return opened[-1]

    yield open_terminal
    for left in opened:
        if left.process.returncode is None:
            left.process.kill()
            left.end()


@pytest.mark.slow
def test_ctrl_c_on_a_terminal_pauses(stage: Stage, until: Until, terminal: Callable[..., Terminal]) -> None:
    """One Ctrl-C on a terminal ends the agent, the pause is durable, and a resume reaches the goal."""
    stage.loop(HANGS, "one", "two")
    window = terminal("run", "loop.yaml")
    until(lambda: stage.marked("begun"), "the first step has begun")
    window.type(CTRL_C)
    assert window.end() == 130
    assert b"Traceback" not in window.screen
    assert stage.types()[-1] == "loop.pause"
    assert stage.programs() == []
    stage.mark("go").touch()
    done = stage.run("resume", "latest")
    assert done.returncode == 0, done.stderr
    assert stage.marked("begun") == ["one", "one", "two"]


@pytest.mark.slow
def test_ctrl_c_twice_on_a_terminal_aborts(
    stage: Stage, until: Until, terminal: Callable[..., Terminal]
) -> None:
    """A second Ctrl-C kills a stubborn agent at once, the terminal stays usable, the run resumable."""
    stage.loop(STUBBORN, "one", "two")
    window = terminal("run", "loop.yaml")
    until(lambda: stage.marked("begun"), "the first step has begun")
    window.type(CTRL_C)
    until(lambda: b"Once more" in window.screen, "the first one is acknowledged")
    began = time.monotonic()
    while window.process.poll() is None:  # two signals within a tenth of a second count as one
        window.type(CTRL_C)
        with suppress(subprocess.TimeoutExpired):
            window.process.wait(0.15)
    assert window.end() == 130
    assert time.monotonic() - began < 1.5, "the agent's two seconds of grace are not waited for"
    assert b"Traceback" not in window.screen
    assert window.screen.rfind(b"\x1b[?25h") >= window.screen.rfind(b"\x1b[?25l"), "the cursor is shown"
    until(lambda: stage.programs() == [], "the killed programs are gone")
    stage.mark("go").touch()
    assert stage.run("resume", "latest").returncode == 0
    assert stage.marked("begun") == ["one", "one", "two"]


@pytest.mark.slow
def test_ctrl_c_in_a_gate_keeps_the_answer(stage: Stage, until: Until) -> None:
    """Interrupted in a gate, the run goes on there: the agent is not asked again, the gate is checked."""
    gate = {
        "name": "slow",
        "kind": "command",
        "command": f"cd {stage.marks}; echo checked >> checked; until [ -e go ]; do sleep 0.02; done",
    }
    step = {"name": "work", "verification_gates": ["slow"]}
    stage.loop('echo asked >> "$MARKS/asked"; echo done', step, policy={"verification_gates": [gate]})
    process = stage.start("run", "loop.yaml")
    until(lambda: stage.marked("checked"), "the gate is being checked")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in errors) == (130, False), errors
    assert stage.programs() == []
    stage.mark("go").touch()
    assert stage.run("resume", "latest").returncode == 0
    assert (stage.marked("asked"), stage.marked("checked")) == (["asked"], ["checked"] * 2)


@pytest.mark.slow
def test_ctrl_c_while_waiting_for_a_retry(stage: Stage, until: Until) -> None:
    """The wait before a retry ends at once; the resumed run waits what is left of it, then tries again."""
    retry = {"initial_delay_seconds": 2.5, "jitter": False, "retryable_errors": ["ExitCode"]}
    stage.loop('echo "$LOOPENGT_ATTEMPT" >> "$MARKS/asked"; test "$LOOPENGT_ATTEMPT" = 2 && echo done',
               policy={"retry": retry})  # fmt: skip
    process = stage.start("run", "loop.yaml")
    until(lambda: stage.rows() and "step.retry" in stage.types(), "the retry is due")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert stage.run("resume", "latest").returncode == 0
    assert stage.marked("asked") == ["1", "2"]
    retried, begun = (event.at for event in stage.events() if event.type in ("step.retry", "agent.response"))
    assert begun - retried >= 2.5


@pytest.mark.slow
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_in_a_step_that_may_happen_once(stage: Stage, until: Until, presses: int) -> None:
    """Cut short in a step with effects: once, the run asks what became of it, and does not repeat it."""
    stage.loop(STUBBORN, {"name": "pay", "effects": "once"})
    process = stage.start("run", "loop.yaml")
    until(lambda: stage.marked("begun"), "the payment has begun")
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.3)
    process.communicate(timeout=30)
    assert process.returncode == 130
    until(lambda: stage.programs() == [], "the payment's program is gone")
    asked = stage.run("resume", "latest")
    assert asked.returncode == 4, asked.stderr
    assert "may or may not have been done" in asked.stderr and "--unknown-outcome done" in asked.stderr
    assert stage.run("resume", "latest", "--unknown-outcome", "done").returncode == 0
    assert stage.marked("begun") == ["pay"]


@pytest.mark.parametrize("part", range(6))
def test_ctrl_c_while_the_program_starts(stage: Stage, part: int) -> None:
    """At whatever moment of the start Ctrl-C comes, nothing is left half done, and no excuse is printed."""
    stage.loop('echo begun >> "$MARKS/begun"; sleep 600')
    process = stage.start("run", "loop.yaml")
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.1 + 0.07 * part)
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    # Before Python has come to our first line, it is Python that ends by the signal.
    assert process.returncode in (130, -signal.SIGINT), errors
    assert "Sorry" not in out + errors
    assert "Traceback" not in errors or process.returncode == -signal.SIGINT
    assert stage.programs() == []
    for row in stage.rows():
        assert (row.status, row.owner) == ("paused", None)


SLOW_GIT = """#!/bin/sh
case "$*" in *" add "*) touch "$MARKS/adding"; sleep 0.7 ;; esac
exec "$GIT" "$@"
"""


@pytest.mark.slow
def test_ctrl_c_while_the_workspace_is_made(stage: Stage, until: Until) -> None:
    """Ctrl-C reaches a terminal's whole process group; the workspace is made whole all the same."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git")
    stage.loop('echo begun >> "$MARKS/begun"; echo done')
    programs = stage.folder / "bin"
    programs.mkdir()
    (programs / "git").write_text(SLOW_GIT)
    (programs / "git").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    process = stage.start("run", "loop.yaml", env={"PATH": path, "GIT": git, "MARKS": str(stage.marks)})
    until(stage.mark("adding").exists, "the workspace is being made")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in errors) == (130, False), errors
    assert stage.run("resume", "latest").returncode == 0
    workspace = stage.project / ".loopengt" / "workspaces" / stage.row().run_id
    changes = subprocess.run(
        [git, "-C", str(workspace), "status", "--short"], capture_output=True, check=True
    )
    assert changes.stdout == b"", "what the run has not changed is committed"


async def test_what_is_interrupted_before_it_goes_on_is_free(tmp_path: Path) -> None:
    """Interrupted before its journal is read, a run executes nothing, stays as it was, and can be resumed."""
    go, asked = asyncio.Event(), asyncio.Event()

    async def work(request: AgentRequest) -> str:
        asked.set()
        await go.wait()
        return request.step

    agent = ScriptedAgent(agents={"worker": work})
    kernel = make_kernel(tmp_path, agents=agent, storage="sqlite")
    async with kernel.storage() as storage:
        running = asyncio.create_task(run_loop(kernel, loop_spec("one", "two"), run_id="broken-off"))
        await asked.wait()
        kernel.engine().interrupt()
        assert (await running).end.reason == "interrupted"
        _, before = await load_run(storage, "broken-off")
        running = asyncio.create_task(resume_loop(kernel, "broken-off"))
        await asyncio.sleep(0)
        kernel.engine().interrupt()
        assert (await running).end.reason == "interrupted"
        assert (await load_run(storage, "broken-off"))[1] == before
        (row,) = await storage.rows()
        assert (row.status, row.owner) == ("paused", None)
        go.set()
        assert (await resume_loop(kernel, "broken-off")).end.reason == "goal_met"
    assert [request.step for request in agent.requests] == ["one", "one", "two"]
