"""The clocks that triggers go by."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["SLICE_SECONDS", "Clock", "SystemClock"]

SLICE_SECONDS = 15.0
"""Longest sleep at a time: a machine that sleeps stops the clock of a sleep, and the time is looked at again."""

# The plain monotonic clock of Linux stands still while the machine sleeps.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What time it is, and how to wait."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC; it can be set, also back."""

    def steady(self) -> float:
        """Seconds on a clock that nobody sets, and that goes on while the machine sleeps."""

    async def sleep(self, seconds: float) -> None:
        """Wait; it may be longer when the machine sleeps meanwhile."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Seconds since the machine was started."""
        return time.clock_gettime(_STEADY)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
