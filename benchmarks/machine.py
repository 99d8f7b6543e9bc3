"""Says on what the figures were measured: versions and kinds, no names and no paths."""

from __future__ import annotations

import os
import platform
import sqlite3
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["describe_machine", "load"]

PACKAGES = ("loopengt", "click", "msgspec", "pluggy", "pydantic")


def describe_machine(folder: Path) -> dict[str, Any]:
    """Return the facts that matter for the figures.

    Args:
        folder: Where the databases are made; the kind of its file system is among the facts.
    """
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
        "cores": _usable_cores(),
        "processor": _processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": _file_system(folder),
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def load() -> float | None:
    """Return how many processes wanted to run over the last minute, on average; None where nobody counts."""
    with suppress(AttributeError, OSError):
        return round(os.getloadavg()[0], 2)
    return None


def _usable_cores() -> int:
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of the innermost mount that the folder lies in; ``unknown`` where the system does not tell."""
    found = (0, "unknown")
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
            mount, kind = line.split()[1:3]
            if folder.resolve().is_relative_to(mount):
                found = max(found, (len(mount), kind))
    return found[1]
