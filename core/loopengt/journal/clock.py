"""Tells the time of a run, which neither jumps nor goes back while one process drives it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["steady_clock"]


def steady_clock(not_before: float = 0.0) -> Callable[[], float]:
    """Return a clock: seconds since the epoch, by the system's clock now, and steady from there.

    A run's durations and time limits are taken from the times of its events. A system clock that is set back, or
    ahead, while the run is driven must not make them negative, or use the run's time up.

    Args:
        not_before: The time at which it begins where the system's clock is behind that, as after a run's last event.
    """
    steady = _steady()
    offset = max(time.time(), not_before) - steady()
    return lambda: offset + steady()


def _steady() -> Callable[[], float]:
    """The system's steady clock; where there is one that goes on while the machine sleeps, that one."""
    boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boottime is None else partial(time.clock_gettime, boottime)
