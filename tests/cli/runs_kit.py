"""What the tests of ``runs delete`` and ``runs prune`` share."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from loopengt import Kernel
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from .conftest import Bench


def finished(bench: Bench, count: int = 1, **changes: Any) -> list[str]:
    """Run loops to their end and return their ids, the newest first."""
    bench.loop(**changes)
    for _ in range(count):
        done = bench.run("run", ".", "-q")
        assert done.returncode in (0, 3), done.stderr
    return [run["run_id"] for run in bench.runs()][:count]


def add_child(bench: Bench, run_id: str, parent: str, status: str = "completed") -> None:
    """Add the run of a sub-loop, as the storage has it."""

    async def add() -> None:
        async with Kernel(bench.project).storage() as storage:
            row = RunRow(run_id, "child", status, started_at=9e9, completed_at=9e9, parent=parent)
            await storage.release(await storage.create(row, current_owner(), 60, b"[]", 1))

    asyncio.run(add())


def git(bench: Bench, *words: str) -> str:
    """Run git in the project."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=bench.project, capture_output=True, text=True, check=True
    )
    return done.stdout


def workspaces(bench: Bench) -> list[str]:
    """Return the names of the workspaces that there are."""
    folder = bench.project / ".loopengt" / "workspaces"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def on_terminal(bench: Bench, answer: str, *words: str) -> tuple[int, str]:
    """Run ``loopengt`` on a terminal, give one answer, and return exit code and messages."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "loopengt", *words],
        cwd=bench.project,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(mine, answer.encode() + b"\n")
    _, err = process.communicate(timeout=60)
    os.close(mine)
    return process.returncode, err
