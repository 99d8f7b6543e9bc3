"""Waits before further attempts: they can be ended at once, and keep no slot from other steps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from loopengt_local.control import EndRun

if TYPE_CHECKING:
    from loopengt_local.run import LocalRun

__all__ = ["Waits", "pause"]


class Waits:
    """What a run waits for before further attempts."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until ``end``."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _finish, over)
        self._waiting.add(over)
        try:
            await over
        finally:
            timer.cancel()
            self._waiting.discard(over)

    def end(self) -> None:
        """Let everybody go on."""
        for over in self._waiting:
            _finish(over)


async def pause(run: LocalRun, step: str, seconds: float) -> None:
    """Wait before the next attempt at a step; its slot is free for other steps meanwhile.

    Raises:
        EndRun: The run is stopped, or its time would be over before the wait is.
    """
    if seconds <= 0:
        return
    left = max(0.0, run.budgets.time_left())
    if seconds >= left:
        words = (
            f"the next attempt at step {step!r} may begin in {seconds:.3g} seconds, and {left:.3g} are left"
        )
        raise run.budgets.end_for_time(words)
    async with run.slots.lent():
        if run.stop_requested is None:
            await run.waits.wait(seconds)
        if run.stop_requested is not None:
            raise EndRun(run.stop_requested)


def _finish(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
