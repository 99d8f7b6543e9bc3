"""The process groups that this process has started: which are alive, and how to end them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ProcessRow",
    "collect",
    "forget",
    "group_alive",
    "kill_all_groups",
    "live_groups",
    "process_table",
    "signal_group",
    "track",
]

_live: set[int] = set()


class ProcessRow(NamedTuple):
    """One process of this machine, from ``/proc``."""

    pid: int
    parent: int
    group: int


def track(group: int) -> None:
    """Remember a group that was just started."""
    _live.add(group)


def forget(group: int) -> None:
    """Forget a group of which no process is left."""
    _live.discard(group)


def live_groups() -> frozenset[int]:
    """The groups that were started here and may still have processes."""
    return frozenset(_live)


def kill_all_groups() -> int:
    """Kill every process group that ``run_program`` has started in this process and that is still alive.

    Returns at once, with the number of groups; meant for a signal handler, when there is no time for more.
    """
    groups = tuple(_live)
    for group in groups:
        signal_group(group, signal.SIGKILL)
    return len(groups)


def signal_group(group: int, signum: int) -> bool:
    """Send a signal to a group; False when there was nothing that could be reached."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def group_alive(group: int) -> bool:
    """Whether a process of the group still runs (one that only waits to be collected does not)."""
    if not signal_group(group, 0):
        return False
    if sys.platform != "linux":
        return True
    return any(row.group == group for row in process_table())


def collect(group: int) -> None:
    """Collect ended processes of the group that became our children, as when we are a container's init."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass


def process_table() -> Iterator[ProcessRow]:
    """Every running process that ``/proc`` shows, without zombies; nothing where there is no ``/proc``."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if name.isdigit() and (row := _row(int(name))) is not None:
            yield row


def _row(pid: int) -> ProcessRow | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None  # it has just ended
    # The program's name stands in parentheses and may hold anything, parentheses included.
    state, parent, group, *_ = stat.rpartition(b")")[2].split()
    return None if state in b"ZX" else ProcessRow(pid, int(parent), int(group))
