"""A bounded queue of spans, and the thread that sends them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from loopengt import get_logger

from loopengt_otel.sending.answers import Refused
from loopengt_otel.telling.spans import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_otel.sending.delivery import Delivery
    from loopengt_otel.telling.spans import Item

__all__ = ["Counts", "SpanQueue"]

_PATIENCE = 1.0
"""Seconds that a span waits for others to be sent with, and the thread for further ones."""

_Flush: TypeAlias = tuple[int, asyncio.AbstractEventLoop, "asyncio.Future[None]"]
"""How many must be done, and who waits for that."""


@dataclass(slots=True)
class Counts:
    """What became of spans and log events."""

    dropped: int = 0
    """The queue was full."""
    failed: int = 0
    """They did not go through."""
    sent: int = 0

    @property
    def lost(self) -> int:
        """Those that the receiver does not have."""
        return self.dropped + self.failed


class SpanQueue:
    """Takes spans without ever waiting, and sends them from a thread of its own.

    The thread begins with the first span, and ends when it was flushed and nothing is left.

    Args:
        delivery: Sends them.
        size: Most spans that wait; further ones are dropped.
        batch: Most spans that are sent at once.
    """

    def __init__(self, delivery: Delivery, size: int, batch: int) -> None:
        self.counts = Counts()
        self._delivery = delivery
        self._size = size
        self._batch = batch
        self._changed = threading.Condition()
        self._waiting: deque[Item] = deque()
        self._taken = 0
        """How many were ever taken in."""
        self._done = 0
        """How many of those have been sent, or failed."""
        self._flushes: list[_Flush] = []
        self._thread: threading.Thread | None = None
        self._warned_full = False
        self._out = False

    def put(self, items: Sequence[Item]) -> None:
        """Take spans; returns at once."""
        if not items:
            return
        with self._changed:
            room = max(0, self._size - len(self._waiting))
            self._waiting.extend(items[:room])
            self._taken += min(room, len(items))
            missed = len(items) - min(room, len(items))
            self.counts.dropped += missed
            warn = missed > 0 and not self._warned_full
            self._warned_full = self._warned_full or warn
            self._wake()
        if warn:
            get_logger("loopengt.otel").warning("queue is full: spans are dropped", queue_size=self._size)

    async def flush(self, seconds: float) -> int:
        """Wait until all that was put in is sent or has failed; return how many are still under way.

        Args:
            seconds: How long to wait at most.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._changed:
            upto = self._taken
            if self._done >= upto and self._thread is None:
                return 0
            self._flushes.append((upto, loop, future))
            self._wake()
        with suppress(TimeoutError):
            await asyncio.wait_for(future, seconds)
        with self._changed:
            self._flushes[:] = [entry for entry in self._flushes if entry[2] is not future]
            return max(0, upto - self._done)

    # The thread

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="loopengt-otel", daemon=True)
            self._thread.start()
        elif self._flushes or len(self._waiting) >= self._batch or len(self._waiting) == 1:
            self._changed.notify()

    def _work(self) -> None:
        while batch := self._next():
            try:
                self._send(batch)
            except Exception as exc:  # whatever is wrong with this batch, the next one has its turn
                self._fail(len(batch), f"{type(exc).__name__}: {exc}", "")
            with self._changed:
                self._done += len(batch)
                self._answer([entry for entry in self._flushes if entry[0] <= self._done and self._waiting])

    def _next(self) -> list[Item]:
        """Wait for a batch; an empty one is the end, since there is nothing to do, and nobody who waits."""
        with self._changed:
            if not self._waiting and not self._flushes:
                self._changed.wait(_PATIENCE)
            if not self._waiting:
                self._thread = None
                self._delivery.close()
                self._answer(self._flushes)
                return []
            until = time.monotonic() + _PATIENCE
            while not self._flushes and len(self._waiting) < self._batch:
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            count = min(self._batch, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]

    def _answer(self, flushes: Sequence[_Flush]) -> None:
        """Tell those who wait that theirs is done; called with the lock."""
        for entry in tuple(flushes):
            self._flushes.remove(entry)
            with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
                entry[1].call_soon_threadsafe(_resolve, entry[2])

    def _send(self, batch: list[Item]) -> None:
        try:
            # During an outage further batches are not tried again: they would only keep those behind them waiting.
            sent = self._delivery.send(batch, tries=1) if self._out else self._delivery.send(batch)
        except Refused as exc:
            self.counts.sent += exc.sent.spans + exc.sent.logs
            self._fail(len(batch) - exc.sent.spans - exc.sent.logs, exc.message, exc.remedy)
        else:
            self.counts.sent += sum(isinstance(item, Span) for item in batch) + sent.logs
            self._out = False

    def _fail(self, count: int, why: str, remedy: str) -> None:
        self.counts.failed += count
        if not self._out:  # once an outage
            self._out = True
            get_logger("loopengt.otel").warning("spans were not sent", count=count, why=why, remedy=remedy)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
