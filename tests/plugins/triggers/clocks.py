"""Clocks for tests: one that goes on by itself whenever somebody sleeps, and one that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday."""


class FakeClock:
    """Whoever sleeps is woken at once, and it is later.

    Args:
        now: The time of day at the beginning.
    """

    def __init__(self, now: datetime = NOON) -> None:
        self.wall = now
        self.seconds = 1_000.0
        self.slept: list[float] = []
        self.happens: list[Callable[[], None]] = []
        """What happens during the next sleeps, one each."""

    def now(self) -> datetime:
        return self.wall

    def steady(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.go_on(seconds)
        if self.happens:
            self.happens.pop(0)()
        await asyncio.sleep(0)

    def go_on(self, seconds: float) -> None:
        """Time passes, also while the machine sleeps."""
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds

    def set(self, seconds: float) -> None:
        """Somebody sets the time of day, back where it is negative."""
        self.wall += timedelta(seconds=seconds)


class HeldClock(FakeClock):
    """Whoever sleeps is woken by ``tick``."""

    def __init__(self) -> None:
        super().__init__()
        self._sleeps = asyncio.Event()
        self._wakes = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self._sleeps.set()
        await self._wakes.wait()
        self._wakes.clear()
        self.go_on(seconds)

    async def sleeping(self) -> None:
        """Wait until somebody sleeps."""
        await asyncio.wait_for(self._sleeps.wait(), 10)

    async def tick(self) -> None:
        """Wake whoever sleeps."""
        await self.sleeping()
        self._sleeps.clear()
        self._wakes.set()
