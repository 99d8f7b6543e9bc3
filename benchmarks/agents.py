"""The agent of every workload: an async function that does nothing and answers a hundred bytes of JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

__all__ = [
    "LARGE",
    "LARGE_BYTES",
    "NO_OP",
    "WATCHED",
    "Alarm",
    "calls",
    "large",
    "no_op",
    "ring_at",
    "start_counting",
    "watched",
]

NO_OP = "benchmarks.agents:no_op"
WATCHED = "benchmarks.agents:watched"
LARGE = "benchmarks.agents:large"

LARGE_BYTES = 4096
"""Size of the answer of ``large``."""

Alarm = Callable[[], Awaitable[None]]

_calls = 0
_ring_at = 0
_alarm: Alarm | None = None


async def no_op(_request: object) -> dict[str, Any]:
    """Answer at once."""
    global _calls
    _calls += 1
    return {
        "status": "ok",
        "value": 42,
        "text": "nothing was done, and it was done in no time at all; so it goes",
    }


async def large(request: object) -> str:
    """Answer at once with four kilobytes of text that differ from call to call."""
    await no_op(request)
    return f"{_calls:>16}" * (LARGE_BYTES // 16)


async def watched(request: object) -> dict[str, Any]:
    """Answer at once, save at the one call that ``ring_at`` names."""
    reply = await no_op(request)
    if _calls == _ring_at and _alarm is not None:
        await _alarm()
    return reply


def calls() -> int:
    """Return how often the function was called since ``start_counting``."""
    return _calls


def start_counting() -> None:
    """Count from nought."""
    global _calls
    _calls = 0


def ring_at(call: int, alarm: Alarm) -> None:
    """Count from nought, and have ``watched`` await the alarm before its answer to that call (from 1)."""
    global _ring_at, _alarm
    start_counting()
    _ring_at, _alarm = call, alarm
