"""Ends what a crashed owner of a run has left running."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from loopengt.processes.groups import ProcessRow, live_groups, process_table, signal_group

__all__ = ["reap_orphans"]

_WAIT_SECONDS = 2.0


def reap_orphans(run_id: str) -> int:
    """Kill the programs of a run that outlived the process that drove it, so that they stop editing files.

    Found by ``LOOPENGT_RUN_ID`` in their environment, with all that they have started. This process, its
    ancestors and the programs that it runs itself are spared. Blocks until they are gone, at most 2 seconds.
    Works on Linux; elsewhere nothing is found. Call it only while this process owns the run.

    Args:
        run_id: The whole id of the run.

    Returns:
        How many processes were killed.
    """
    if sys.platform != "linux" or not run_id:
        return 0
    table = {row.pid: row for row in process_table()}
    spared = _ancestry(os.getpid(), table)
    orphans = _with_descendants(
        {pid for pid in table if pid not in spared and _belongs_to(pid, run_id)}, table, spared
    )
    ours = live_groups()
    victims = [table[pid] for pid in orphans if table[pid].group not in ours]
    shared = {table[pid].group for pid in spared if pid in table}
    for group in {row.group for row in victims} - shared:
        signal_group(group, signal.SIGKILL)
    for row in victims:
        if row.group in shared:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(row.pid, signal.SIGKILL)
    _await_end({row.pid for row in victims})
    return len(victims)


def _ancestry(pid: int, table: dict[int, ProcessRow]) -> set[int]:
    found = set()
    while pid and pid not in found:
        found.add(pid)
        pid = table[pid].parent if pid in table else 0
    return found


def _with_descendants(pids: set[int], table: dict[int, ProcessRow], spared: set[int]) -> set[int]:
    """Add what those processes have started: a nested run's programs carry another run's id."""
    children: dict[int, list[int]] = {}
    for row in table.values():
        children.setdefault(row.parent, []).append(row.pid)
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found and pid not in spared:
            found.add(pid)
            waiting += children.get(pid, ())
    return found


def _belongs_to(pid: int, run_id: str) -> bool:
    process = Path("/proc", str(pid))
    try:
        if process.stat().st_uid != os.getuid():
            return False
        environment = (process / "environ").read_bytes()
    except OSError:
        return False  # it has ended, or is not ours to look at
    return f"LOOPENGT_RUN_ID={run_id}".encode() in environment.split(b"\0")


def _await_end(pids: set[int]) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while pids and time.monotonic() < deadline:
        pids &= {row.pid for row in process_table()}
        time.sleep(0.01 if pids else 0)
