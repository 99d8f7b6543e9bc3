"""W2 and W4D: runs that are kept in SQLite, alone and a thousand at once, and what they leave on the disk."""

from __future__ import annotations

import asyncio
from statistics import fmean
from typing import TYPE_CHECKING

from benchmarks import agents, limits
from benchmarks.workload import WARM_UP_STEPS, Spent, drive, make_kernel, row_bytes, sequence, warm_up

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage

__all__ = ["alone", "disk", "growth", "together"]


def alone(folder: Path, steps: int, durability: str) -> dict[str, float]:
    """W2: one run of so many steps, durable as asked, beside one raw commit for each step."""
    return asyncio.run(_measure(folder, steps, 1, durability, ("each",)))


def together(folder: Path, runs: int, steps: int) -> dict[str, float]:
    """W4D: so many runs at once, each of so many steps that all wait for their own commit."""
    return asyncio.run(_measure(folder, steps, runs, "full", ("each", "grouped")))


async def _measure(
    folder: Path, steps: int, runs: int, durability: str, raw_ways: tuple[str, ...]
) -> dict[str, float]:
    kernel = make_kernel(folder, "sqlite", durability)
    spec = sequence(steps)
    async with kernel.storage() as storage:
        engine = kernel.engine()
        first = await warm_up(engine)
        size = round(fmean(await row_bytes(storage, first, WARM_UP_STEPS)))
        raw = limits.RawSqlite(folder / "raw.db", durability.upper(), size)
        try:
            beside: dict[str, limits.Limit] = {way: getattr(raw, way) for way in raw_ways}

            async def ours() -> Spent:
                return await drive(engine, spec, steps, runs)

            found, spent = await limits.interleave(steps * runs, beside, ours)
        finally:
            raw.close()
        await _check_appends(storage, spent, steps)
    return found | {"engine": spent.wall / (steps * runs) * 1e6, "cpu": spent.cpu / (steps * runs) * 1e6}


async def _check_appends(storage: Storage, spent: Spent, steps: int) -> None:
    for result in spent.results:
        await row_bytes(storage, result, steps)


def disk(folder: Path, short: int, long: int) -> dict[str, float]:
    """Bytes that a short and a long run leave on the disk, once the storage is closed."""
    empty = asyncio.run(_bytes_of(folder / "empty", 0))
    brief = asyncio.run(_bytes_of(folder / "short", short))
    lengthy = asyncio.run(_bytes_of(folder / "long", long))
    return {
        "empty": empty,
        "short": brief / short,
        "long": lengthy / long,
        "short_net": (brief - empty) / short,
        "long_net": (lengthy - empty) / long,
    }


def growth(folder: Path, steps: int) -> dict[str, float]:
    """Bytes that a run whose steps answer four kilobytes leaves on the disk, beside the answers themselves."""
    whole = asyncio.run(_bytes_of(folder, steps, agents.LARGE))
    return {"database": whole / 1e6, "outputs": steps * agents.LARGE_BYTES / 1e6}


async def _bytes_of(project: Path, steps: int, function: str = agents.NO_OP) -> float:
    kernel = make_kernel(project, "sqlite", "normal")
    async with kernel.storage():
        if steps:
            await drive(kernel.engine(), sequence(steps, function), steps)
    return float(sum(file.stat().st_size for file in (project / ".loopengt").rglob("*") if file.is_file()))
