"""Follows runs: what their journals come to, kept from call to call, so that only what is new is read."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from loopengt.journal import Fold, read_events
from loopengt_mcp.server.indexing import EventIndex

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from loopengt.journal import Journals
    from loopengt_hookspecs.models import Event

__all__ = ["Followed", "Following"]

_MOST_RUNS = 16
_MOST_EVENTS = 1_000_000
"""Events of all runs together whose place is known; each takes some twenty bytes. The run asked for last is kept."""


class Followed:
    """One run, as far as its journal was read."""

    def __init__(self) -> None:
        self.fold = Fold(history=False)
        self.counts: Counter[str] = Counter()
        """How many events there are of each type."""
        self.waits = 0
        """How many of the ``step.retry`` events only waited for a rate limit."""
        self.index = EventIndex()
        self.last: Event | None = None
        """The newest event that was read: another in its place means that this is not the same journal any more."""

    def take(self, events: list[Event]) -> None:
        """Take in the next events."""
        self.fold.apply_all(events)
        self.counts.update(event.type for event in events)
        self.waits += sum(
            event.type == "step.retry" and event.data.get("reason") == "rate_limit" for event in events
        )
        self.index.take(events)
        self.last = events[-1]


class Following:
    """The runs that were asked for last.

    Journals grow, and whoever writes them, nothing in them changes; but a run can be deleted, and one of its id be
    imported in its place. So each reading begins with the newest event that is known.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Followed] = OrderedDict()
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        return len(self._known)

    async def follow(self, storage: Journals, run_id: str) -> Followed:
        """Return a run, read up to now.

        Raises:
            RunNotFound: There is no such run.
            StorageError: The journal cannot be read.
        """
        async with self._alone(run_id):
            found = self._known.pop(run_id, None)
            if found is None or not await _go_on(storage, run_id, found):
                found = Followed()
                async for events in read_events(storage, run_id, together=_TOGETHER):
                    found.take(events)
            self._known[run_id] = found
            self._forget()
            return found

    def _forget(self) -> None:
        held = sum(len(each.index) for each in self._known.values())
        while len(self._known) > 1 and (len(self._known) > _MOST_RUNS or held > _MOST_EVENTS):
            _, gone = self._known.popitem(last=False)
            held -= len(gone.index)

    @asynccontextmanager
    async def _alone(self, run_id: str) -> AsyncIterator[None]:
        """Let one call at a time read a run: the others find what it has read."""
        lock, users = self._locks.get(run_id, (asyncio.Lock(), 0))
        self._locks[run_id] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(run_id)
            if users > 1:
                self._locks[run_id] = (lock, users - 1)


_TOGETHER = 16


async def _go_on(storage: Journals, run_id: str, found: Followed) -> bool:
    """Read what is new of a run; return False when its journal is another one than was known."""
    last = found.last
    if last is None:
        return False
    checked = False
    async for events in read_events(storage, run_id, after=last.seq - 1, together=_TOGETHER):
        new = events
        if not checked:
            if events[0] != last:
                return False
            checked, new = True, events[1:]
        if new:
            found.take(new)
    return checked
