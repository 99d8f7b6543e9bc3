"""The ends of programs started by ``loopengt.processes``: no process of theirs is left, come what may."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopengt.processes import base_environment, kill_all_groups, reap_orphans, run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PYTHON = sys.executable
# Ignores SIGTERM in the parent and in three children, one of which has closed its output; writes all pids.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for number in range(3):
    if os.fork() == 0:
        if number == 0:
            os.close(1); os.close(2)
        break
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
while True:
    time.sleep(60)
"""


def environment() -> dict[str, str]:
    """What a program gets when nothing is added."""
    return base_environment()


def running(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be collected."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def spawn(argv: list[str], cwd: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own."""
    return subprocess.Popen(argv, cwd=cwd, env=os.environ | env, start_new_session=True)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


def pids_in(path: Path) -> list[int]:
    """The process ids that a file lists."""
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test may leave a tracked group behind."""
    yield
    assert kill_all_groups() == 0


async def test_cancellation_ends_the_whole_stubborn_group(tmp_path: Path) -> None:
    """A program that forks and ignores SIGTERM is gone, with its children, when a cancelled call returns."""
    pids = tmp_path / "pids"
    task = asyncio.create_task(
        run_program([PYTHON, "-c", STUBBORN, str(pids)], cwd=tmp_path, env=environment(), grace_seconds=0.4)
    )
    await until(lambda: len(pids_in(pids)) == 4)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 0.4 <= time.monotonic() - began < 2.5
    assert [pid for pid in pids_in(pids) if running(pid)] == []


async def test_a_second_cancellation_kills_at_once(tmp_path: Path) -> None:
    """A caller that is cancelled again does not wait for the rest of the grace period."""
    pids = tmp_path / "pids"
    task = asyncio.create_task(
        run_program([PYTHON, "-c", STUBBORN, str(pids)], cwd=tmp_path, env=environment(), grace_seconds=60)
    )
    await until(lambda: len(pids_in(pids)) == 4)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert [pid for pid in pids_in(pids) if running(pid)] == []


async def test_a_stopped_program_is_ended(tmp_path: Path) -> None:
    """A program in the state of Ctrl-Z still gets its SIGTERM."""
    result = await run_program(
        "kill -STOP $$", cwd=tmp_path, env=environment(), timeout=0.3, grace_seconds=30
    )
    assert result.timed_out
    assert result.exit_code == -signal.SIGTERM


async def test_a_grandchild_that_keeps_the_output_open_does_not_hold_the_call(tmp_path: Path) -> None:
    """The call ends soon after the main process, with its output, and what is in the background is gone."""
    began = time.monotonic()
    result = await run_program("sleep 600 & echo $!; exit 0", cwd=tmp_path, env=environment())
    assert time.monotonic() - began < 5
    assert result.exit_code == 0
    assert not running(int(result.stdout))


async def test_a_silent_grandchild_does_not_survive_either(tmp_path: Path) -> None:
    """A background process that has no hand on the output is ended with its group, too."""
    result = await run_program(
        "sleep 600 >/dev/null 2>&1 & echo $!", cwd=tmp_path, env=environment(), grace_seconds=5
    )
    assert result.exit_code == 0
    assert not running(int(result.stdout))


async def test_kill_all_groups_ends_what_runs(tmp_path: Path) -> None:
    """The second Ctrl-C's last resort kills every group at once; the waiting call sees the signal."""
    pids = tmp_path / "pids"
    task = asyncio.create_task(
        run_program([PYTHON, "-c", STUBBORN, str(pids)], cwd=tmp_path, env=environment(), grace_seconds=60)
    )
    await until(lambda: len(pids_in(pids)) == 4)
    assert kill_all_groups() == 1
    result = await asyncio.wait_for(task, 5)
    assert result.exit_code == -signal.SIGKILL
    assert [pid for pid in pids_in(pids) if running(pid)] == []


def test_a_closed_event_loop_leaves_no_program(tmp_path: Path) -> None:
    """When the event loop goes down with a program running, the program goes, too."""
    pids = tmp_path / "pids"

    async def main() -> None:
        task = asyncio.create_task(
            run_program(
                [PYTHON, "-c", STUBBORN, str(pids)], cwd=tmp_path, env=environment(), grace_seconds=0.1
            )
        )
        await until(lambda: len(pids_in(pids)) == 4)
        assert not task.done()

    asyncio.run(main())
    assert [pid for pid in pids_in(pids) if running(pid)] == []


# -- orphans -------------------------------------------------------------------------

OWNER = """
import asyncio, sys
from pathlib import Path
from loopengt.processes import base_environment, run_program
env = base_environment() | {"LOOPENGT_RUN_ID": sys.argv[1]}
asyncio.run(run_program([sys.executable, "-c", sys.argv[2], sys.argv[3]], cwd=Path.cwd(), env=env))
"""


async def test_orphans_of_a_killed_owner_are_reaped(tmp_path: Path) -> None:
    """After kill -9 of the owner its agent lives on; reap_orphans ends its group and spares another run's."""
    owners = []
    for run_id in ("run-a", "run-b"):
        pids = tmp_path / run_id
        owners.append(spawn([PYTHON, "-c", OWNER, run_id, STUBBORN, str(pids)], tmp_path))
    await until(lambda: len(pids_in(tmp_path / "run-a")) == len(pids_in(tmp_path / "run-b")) == 4)
    for owner in owners:
        owner.kill()
        owner.wait()
    assert all(running(pid) for pid in pids_in(tmp_path / "run-a"))
    try:
        assert reap_orphans("run-a") == 4
        assert [pid for pid in pids_in(tmp_path / "run-a") if running(pid)] == []
        assert all(running(pid) for pid in pids_in(tmp_path / "run-b"))
    finally:
        assert reap_orphans("run-b") == 4
    assert reap_orphans("run-a") == 0


async def test_orphans_include_what_a_nested_run_has_started(tmp_path: Path) -> None:
    """A descendant in a session of its own, with another run's id, ends with the orphan that started it."""
    pids = tmp_path / "pids"
    outer = f"{PYTHON} -c '{OWNER}' inner '{STUBBORN}' {pids}"
    process = spawn(["/bin/sh", "-c", f"{outer}; exit 0"], tmp_path, LOOPENGT_RUN_ID="outer")
    await until(lambda: len(pids_in(pids)) == 4)
    assert reap_orphans("outer") >= 5
    process.wait()
    assert [pid for pid in pids_in(pids) if running(pid)] == []


async def test_programs_of_this_process_are_no_orphans(tmp_path: Path) -> None:
    """What this process runs itself, and this process and its ancestors, are spared."""
    env = environment() | {"LOOPENGT_RUN_ID": "mine"}
    task = asyncio.create_task(run_program("touch up; sleep 60", cwd=tmp_path, env=env))
    await until((tmp_path / "up").exists)
    assert reap_orphans("mine") == 0
    assert reap_orphans("") == 0
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_an_orphan_hunter_spares_itself() -> None:
    """A process that carries the run's id itself, as one started by an agent does, is not its own victim."""
    code = "from loopengt.processes import reap_orphans; print(reap_orphans('self'))"
    found = subprocess.run(
        [PYTHON, "-c", code], env=os.environ | {"LOOPENGT_RUN_ID": "self"}, capture_output=True, check=True
    )
    assert found.stdout == b"0\n"
