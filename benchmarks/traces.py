"""Traces: whole processes that read a recorded run of many events and write it out in one format."""

from __future__ import annotations

import asyncio
import resource
import subprocess
from typing import TYPE_CHECKING

from benchmarks.environment import child_environment
from benchmarks.startup import program, seconds_of
from benchmarks.workload import Wrong, drive, laps, make_kernel

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["trace"]

EVENTS_A_LAP = 4


def trace(folder: Path, events: int, formats: str) -> dict[str, float]:
    """Seconds from the start of each process to its end, by format, and the memory of the largest.

    Args:
        folder: An empty folder.
        events: How many events the run has, but for a few.
        formats: Names of exporters, with spaces between them.
    """
    run_id = asyncio.run(_record(folder, events // EVENTS_A_LAP))
    commands = {name: [*program(), "trace", run_id, "--format", name] for name in formats.split()}
    _check(commands["json"], folder, events)  # which also compiles and reads everything once
    figures = {name: seconds_of(command, folder) for name, command in commands.items()}
    figures["memory"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return figures


async def _record(folder: Path, steps: int) -> str:
    kernel = make_kernel(folder, "sqlite", "normal")
    async with kernel.storage():
        return (await drive(kernel.engine(), laps(steps), steps)).results[0].run_id


def _check(command: list[str], folder: Path, events: int) -> None:
    environment = child_environment() | {"LOOPENGT_PROJECT": str(folder)}
    subprocess.run([*command, "-o", "run.json"], cwd=folder, env=environment, check=True)
    lines = (folder / "run.json").read_text(encoding="utf-8").count('"event_type"')
    if lines < events:
        raise Wrong(f"the trace has {lines} events, not {events}")
