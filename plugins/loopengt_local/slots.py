"""Bounds how many steps of a run execute at the same time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Slots"]


class Slots:
    """So many slots, given in the order asked for.

    Like ``asyncio.Semaphore``; taking a free one costs no await, as nearly all takings in a sequential run are.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_free(self) -> bool:
        """Take a slot when one is free and nobody waits."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return True
        return False

    async def take(self) -> None:
        """Take a slot; wait for it where none is free."""
        if self.take_free():
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.give_back()  # it was given to us in the same moment
            raise

    def give_back(self) -> None:
        """Give a slot to whoever waits longest, or make it free."""
        self._free += 1
        while self._waiting and self._free > 0:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._free -= 1

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Leave the caller's slot to others within this context; it is taken again at its end."""
        self.give_back()
        try:
            yield
            await self.take()
        except BaseException:
            self._free -= 1  # the caller is on its way out, and gives back once more
            raise
