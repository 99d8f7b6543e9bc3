"""The physical limits: the same number of calls or commits with nothing of ours around them."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

import msgspec

from benchmarks import agents

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "GROUP",
    "Limit",
    "RawSqlite",
    "await_loop",
    "interleave",
    "read_and_decode",
    "task_per_step",
    "tasks_of",
]

T = TypeVar("T")

Limit = Callable[[int], Awaitable[float]]
"""Takes a number of steps and returns the seconds that they took."""

GROUP = 100
"""Rows that share a commit, where they do."""


async def await_loop(steps: int) -> float:
    """Await the agent's function so many times."""
    call = agents.no_op
    began = perf_counter()
    for _ in range(steps):
        await call(None)
    return perf_counter() - began


async def task_per_step(steps: int) -> float:
    """Await the agent's function so many times, each time in a task of its own."""
    call, spawn = agents.no_op, asyncio.create_task
    began = perf_counter()
    for _ in range(steps):
        await spawn(call(None))
    return perf_counter() - began


def tasks_of(length: int) -> Limit:
    """Return the limit of many runs at once: one task for each ``length`` steps, all of them together."""

    async def run() -> None:
        call = agents.no_op
        for _ in range(length):
            await call(None)

    async def measure(steps: int) -> float:
        began = perf_counter()
        await asyncio.gather(*(run() for _ in range(steps // length)))
        return perf_counter() - began

    return measure


class RawSqlite:
    """The standard library's sqlite3 with the storage's pragmas, and one table of numbered rows.

    Args:
        path: The database file, to be made; in the folder of the storage's own.
        synchronous: ``FULL`` or ``NORMAL``.
        size: Bytes of a row, as many as the storage writes for a step.
    """

    def __init__(self, path: Path, synchronous: str, size: int) -> None:
        self._payload = b"x" * size
        self._rows = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(f"PRAGMA synchronous={synchronous}")
        self._connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, payload BLOB NOT NULL)")
        self._insert(1)

    async def each(self, rows: int) -> float:
        """Insert rows, one commit for each."""
        began = perf_counter()
        self._insert(rows)
        return perf_counter() - began

    async def grouped(self, rows: int) -> float:
        """Insert rows, one commit for each ``GROUP`` of them."""
        began = perf_counter()
        for start in range(0, rows, GROUP):
            self._connection.execute("BEGIN IMMEDIATE")
            self._insert(min(GROUP, rows - start))
            self._connection.execute("COMMIT")
        return perf_counter() - began

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _insert(self, rows: int) -> None:
        execute, payload = self._connection.execute, self._payload
        for number in range(self._rows + 1, self._rows + rows + 1):
            execute("INSERT INTO events VALUES (?, ?)", (number, payload))
        self._rows += rows


def read_and_decode(path: Path) -> float:
    """Read every row of a database's journals, decode its JSON, and return the seconds that it took."""
    decode = msgspec.json.Decoder().decode
    began = perf_counter()
    connection = sqlite3.connect(path)
    for (payload,) in connection.execute("SELECT payload FROM events ORDER BY id"):
        decode(payload)
    connection.close()
    return perf_counter() - began


async def interleave(
    steps: int, limits: Mapping[str, Limit], ours: Callable[[], Awaitable[T]]
) -> tuple[dict[str, float], T]:
    """Measure limits and ours close together in time: one half of each limit before ours, one half behind.

    Args:
        steps: How many steps each limit gets, both halves together.
        limits: The limits by name.
        ours: What is measured beside them.

    Returns:
        Microseconds a step by name of the limit, and what ``ours`` returned.
    """
    before = {name: await _quietly(limit, steps // 2) for name, limit in limits.items()}
    result = await ours()
    behind = {name: await _quietly(limit, steps - steps // 2) for name, limit in limits.items()}
    return {name: (before[name] + behind[name]) / steps * 1e6 for name in limits}, result


async def _quietly(limit: Limit, steps: int) -> float:
    gc.collect()
    return await limit(steps)
