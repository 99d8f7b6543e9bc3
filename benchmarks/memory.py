"""Runs that are kept in memory: alone, a thousand at once, and with all their steps at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks import limits
from benchmarks.workload import Spent, drive, fan, items, make_kernel, sequence, warm_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["alone", "fan_out", "together"]


def alone(folder: Path, steps: int) -> dict[str, float]:
    """W1: one run of so many steps."""
    beside: dict[str, limits.Limit] = {"await_loop": limits.await_loop, "task": limits.task_per_step}
    return asyncio.run(_measure(folder, steps, 1, beside))


def together(folder: Path, runs: int, steps: int) -> dict[str, float]:
    """W4: so many runs at once, each of so many steps."""
    return asyncio.run(_measure(folder, steps, runs, {"tasks": limits.tasks_of(steps)}))


def fan_out(folder: Path, narrow: int, wide: int) -> dict[str, float]:
    """So many independent steps of one run, all asked for at once, and so many items of one step."""
    return asyncio.run(_fan_out(folder, narrow, wide))


async def _fan_out(folder: Path, narrow: int, wide: int) -> dict[str, float]:
    kernel = make_kernel(folder, "memory")
    async with kernel.storage():
        engine = kernel.engine()
        await warm_up(engine)
        await drive(engine, fan(narrow), narrow)

        async def ours() -> Spent:
            return await drive(engine, fan(wide), wide)

        found, spent = await limits.interleave(wide, {"task": limits.task_per_step}, ours)
        # A small one is over too soon to be timed once.
        few = [(await drive(engine, fan(narrow), narrow)).wall for _ in range(max(1, wide // narrow))]
        each = await drive(engine, items(wide), wide)
    return found | {
        "wide": spent.wall / wide * 1e6,
        "narrow": sum(few) / len(few) / narrow * 1e6,
        "items": each.wall / wide * 1e6,
        "rate": wide / spent.wall,
    }


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
