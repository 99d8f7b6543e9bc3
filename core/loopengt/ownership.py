"""Says which process drives a run, and whether that process is still there."""

from __future__ import annotations

import json
import os
import time
from functools import lru_cache
from typing import Any

from loopengt_hookspecs.errors import LeaseLost, RunOwned

__all__ = ["current_owner", "describe", "is_alive", "is_free", "lease_lost", "run_owned"]

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_PID_NAMESPACE = "/proc/self/ns/pid"


def current_owner() -> str:
    """Return a string that names this process; a forked child has its own.

    It is compact JSON with host and pid and, where the system tells them, start time, boot id and pid
    namespace.
    """
    return _owner_of(os.getpid())


def is_alive(owner: str) -> bool | None:
    """Say whether the process that ``current_owner`` named is still there.

    Returns:
        False when it is certainly gone: it ran on this host, and the host has been booted since, or its pid
        is free, a zombie's, or belongs to a process with another start time. None when that cannot be known:
        it runs on another host or in another container, or the string names no process. Else True.
    """
    told = _parse(owner)
    if told is None or os.name != "posix" or told["host"] != _host():
        return None
    if _differ(told.get("boot"), _boot_id()):
        return False
    if _differ(told.get("ns"), _pid_namespace()):
        return None
    return _runs(told["pid"], told.get("start"))


def describe(owner: str) -> str:
    """Name the owner for a person, such as ``process 123 on host build-7``."""
    told = _parse(owner)
    if told is None:
        return "an unknown process"
    return f"process {told['pid']} on host {told['host']}"


def is_free(owner: str | None, lease_until: float) -> bool:
    """Say whether a run may be claimed: nobody holds it, its lease has run out, or its owner is gone.

    Args:
        owner: Who holds the run; None: nobody.
        lease_until: When the lease runs out, in seconds since the epoch.
    """
    return owner is None or lease_until <= time.time() or is_alive(owner) is False


def run_owned(run_id: str, owner: str) -> RunOwned:
    """Return the error of a claim that a living owner stands against."""
    return RunOwned(
        f"Run {run_id} is driven by {describe(owner)}.",
        remedy=f"Wait for it to end, or stop it: loopengt stop {run_id}",
    )


def lease_lost(run_id: str, owner: str | None) -> LeaseLost:
    """Return the error of an append under a lease that is no longer the run's current one.

    Args:
        run_id: The run.
        owner: Who holds it now; None: nobody.
    """
    by = f"is now driven by {describe(owner)}" if owner else "was given back"
    return LeaseLost(
        f"Run {run_id} {by}; this process may not append to it any more.",
        remedy=f"See where it stands: loopengt trace {run_id}",
    )


# One entry: after a fork the pid, and with it the answer, is another one.
@lru_cache(maxsize=1)
def _owner_of(pid: int) -> str:
    stat = _stat(pid)
    facts = {
        "host": _host(),
        "pid": pid,
        "start": stat[1] if stat else None,
        "boot": _boot_id(),
        "ns": _pid_namespace(),
    }
    return json.dumps(
        {key: value for key, value in facts.items() if value is not None}, separators=(",", ":")
    )


def _parse(owner: str) -> dict[str, Any] | None:
    try:
        told = json.loads(owner)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("host"), str):
        return None
    pid = told.get("pid")
    # A pid of 0 or less would address a process group, one beyond 31 bits no process of any system.
    return told if type(pid) is int and 0 < pid < 2**31 else None


def _runs(pid: int, start: object) -> bool:
    stat = _stat(pid)
    if stat is not None:
        state, started = stat
        return state not in "ZXx" and not _differ(start, started)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # It is there and belongs to someone else.
    return True


def _differ(told: object, found: object) -> bool:
    """Only two known facts can contradict each other."""
    return told is not None and found is not None and told != found


def _stat(pid: int) -> tuple[str, int] | None:
    """Return a process's state and start time in ticks since boot; None without /proc or such a process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The program's name, in parentheses, may hold spaces and parentheses itself.
            fields = file.read().rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


@lru_cache(maxsize=1)
def _host() -> str:
    return os.uname().nodename if os.name == "posix" else os.environ.get("COMPUTERNAME", "localhost")


@lru_cache(maxsize=1)
def _boot_id() -> str | None:
    try:
        with open(_BOOT_ID, encoding="utf-8") as file:
            return file.read().strip() or None
    except (OSError, ValueError):
        return None


def _pid_namespace() -> str | None:
    try:
        return os.readlink(_PID_NAMESPACE)
    except OSError:
        return None
