"""W1 and W4: runs that are kept in memory, alone and a thousand at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks import limits
from benchmarks.workload import Spent, drive, make_kernel, sequence, warm_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["alone", "together"]


def alone(folder: Path, steps: int) -> dict[str, float]:
    """W1: one run of so many steps."""
    beside: dict[str, limits.Limit] = {"await_loop": limits.await_loop, "task": limits.task_per_step}
    return asyncio.run(_measure(folder, steps, 1, beside))


def together(folder: Path, runs: int, steps: int) -> dict[str, float]:
    """W4: so many runs at once, each of so many steps."""
    return asyncio.run(_measure(folder, steps, runs, {"tasks": limits.tasks_of(steps)}))


async def _measure(
    folder: Path, steps: int, runs: int, beside: Mapping[str, limits.Limit]
) -> dict[str, float]:
    kernel = make_kernel(folder, "memory")
    spec = sequence(steps)
    async with kernel.storage():
        engine = kernel.engine()
        await warm_up(engine)

        async def ours() -> Spent:
            return await drive(engine, spec, steps, runs)

        found, spent = await limits.interleave(steps * runs, beside, ours)
    return found | {"engine": spent.wall / (steps * runs) * 1e6, "cpu": spent.cpu / (steps * runs) * 1e6}
