"""Writes a run's journal: events ride together, and what matters is durable before the run goes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loopengt.journal.clock import steady_clock
from loopengt.journal.codec import encode_batch, encode_value
from loopengt_hookspecs.errors import LeaseLost, StorageError
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from loopengt.journal.fold import Fold
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_hookspecs.storage import Lease, RunRow, Storage

__all__ = ["BLOB_LIMIT", "Journal"]

BLOB_LIMIT = 64 * 1024
"""Bytes from which a value is stored as a blob instead of in its event."""

_new_event = tuple.__new__  # half the time of the named constructor, four times a step
_AT_ONCE = frozenset(
    {
        "step.start",
        "step.retry",
        "agent.invoke",
        "agent.progress",
        "model.request",
        "tool.call",
        "tool.result",
        "tool.error",
        "custom",
    }
)
"""Events that observers may see before they are durable; the others are shown when they are."""


class Journal:
    """The pen of the one process that drives a run.

    ``note`` adds an event to the next append; ``commit`` appends all that was noted, waits until it is
    durable, and only then folds it into the state. So a sequential step costs one append.

    Args:
        storage: Where the journal lies.
        fold: The state up to the journal's present end.
        publish: Called with each event in order, for observers; None: nobody watches.
        clock: Returns seconds since the epoch; None: a steady clock, which no change of the system's clock moves.
    """

    def __init__(
        self,
        storage: Storage,
        fold: Fold,
        *,
        publish: Callable[[Event], None] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.storage = storage
        self.fold = fold
        self.lease: Lease | None = None
        self._publish = publish
        self._given_clock = clock
        self.now: Callable[[], float] = clock or steady_clock(fold.at)
        """Returns the time that an event has which is noted now."""
        self._noted: list[Event] = []
        self._unpublished: deque[Event] = deque()
        self._stored: dict[int, dict[str, Any]] = {}
        self._early: dict[int, tuple[list[Event], asyncio.Future[StepOutcome | None]]] = {}
        """Durable events that wait for those before them to be folded, by the position behind which they stand."""
        self._seq = fold.seq
        self._sent = fold.seq

    @property
    def position(self) -> int:
        """Position of the event that was noted last."""
        return self._seq

    @property
    def is_writing(self) -> bool:
        """Whether an append is under way."""
        return self._sent != self.fold.seq

    def take_up(self, lease: Lease) -> None:
        """Go on behind the fold's last event, under a lease that was claimed."""
        self.lease = lease
        self.now = self._given_clock or steady_clock(self.fold.at)
        self._seq = self._sent = self.fold.seq

    def note(self, kind: str, step: str | None, data: dict[str, Any]) -> None:
        """Add an event, to ride with the next commit.

        Args:
            kind: The event's type, a value of ``EventType``.
            step: Name of the step it belongs to, or None.
            data: What happened, JSON data; the journal keeps the dict.
        """
        self._seq = seq = self._seq + 1
        event = _new_event(Event, (seq, kind, self.now(), step, data))
        self._noted.append(event)
        if self._publish is not None:
            self._unpublished.append(event)
            self._flush()

    def show(self, kind: str, step: str | None, data: dict[str, Any]) -> None:
        """Let observers see something that is not recorded; its position is that of the last event."""
        if self._publish is not None:
            self._unpublished.append(_new_event(Event, (self._seq, kind, self.now(), step, data)))
            self._flush()

    async def create(self, row: RunRow, owner: str, ttl: float) -> None:
        """Add the run to the storage with the events noted so far, and take its lease."""
        events, self._noted = self._noted, []
        self.lease = await self.storage.create(row, owner, ttl, self._encode(events), len(events))
        self._sent += len(events)
        self._settle(events)

    async def commit(self, row: RunRow | None = None, *, release: bool = False) -> StepOutcome | None:
        """Append what was noted; returns when it is durable and folded.

        Args:
            row: The run's new line in listings, when it changes.
            release: Give the lease back with it.

        Returns:
            The outcome of the last step that the events complete, or None.

        Raises:
            LeaseLost: Another process took the run over.
            StorageError: The events could not be written; the run must not go on.
        """
        events = self._noted
        if not events:
            return None
        assert self.lease is not None, "create or claim the run first"
        self._noted = []
        expected = self._sent
        self._sent += len(events)
        payload = self._encode(events)
        try:
            await self.storage.append(self.lease, expected, len(events), payload, row, release=release)
        except asyncio.CancelledError:
            await self._make_sure(expected, len(events), payload, row, release)
            if expected == self.fold.seq:
                self._settle(events)
                self._settle_soon()
            else:
                self._hold(expected, events).cancel()
            raise
        except BaseException:
            self._give_up()
            raise
        if expected != self.fold.seq:
            # The storage has woken us before the caller whose events stand before ours.
            return await self._hold(expected, events)
        outcome = self._settle(events)
        if self._early:
            self._settle_soon()
        return outcome

    async def note_large(self, kind: str, step: str | None, data: dict[str, Any], key: str) -> None:
        """Add an event whose value under ``key`` may be large.

        A value from ``BLOB_LIMIT`` on is stored as a blob; the stored event then has its digest under
        ``<key>_blob`` and its size in bytes under ``<key>_size``. State and observers see the whole value.
        """
        raw = encode_value(data[key])
        if len(raw) >= BLOB_LIMIT:
            stored = {name: value for name, value in data.items() if name != key}
            stored[f"{key}_blob"] = await self.storage.put_blob(raw)
            stored[f"{key}_size"] = len(raw)
            self.note(kind, step, data)
            self._stored[self._seq] = stored
        else:
            self.note(kind, step, data)

    async def _make_sure(
        self, expected: int, count: int, payload: bytes, row: RunRow | None, release: bool
    ) -> None:
        """An append was cancelled while it was under way: see to it that it is done, exactly once."""
        assert self.lease is not None
        try:
            await self.storage.append(self.lease, expected, count, payload, row, release=release)
        except LeaseLost:
            # Refused, since the first try went through after all; unless the run is really lost.
            async for batch in self.storage.read(self.lease.run_id, expected):
                if batch.first_seq == expected + 1 and batch.payload == payload:
                    return
                break
            self._give_up()
            raise
        except BaseException:
            self._give_up()
            raise

    def _encode(self, events: list[Event]) -> bytes:
        if not self._stored:
            return encode_batch(events)
        return encode_batch(
            [event._replace(data=self._stored.pop(event.seq, event.data)) for event in events]
        )

    def _settle(self, events: list[Event]) -> StepOutcome | None:
        outcome = self.fold.apply_all(events)
        if self._publish is not None:
            self._flush()
        return outcome

    def _hold(self, expected: int, events: list[Event]) -> asyncio.Future[StepOutcome | None]:
        """Settle durable events when all before them are settled: the fold keeps to the journal's order."""
        future: asyncio.Future[StepOutcome | None] = asyncio.get_running_loop().create_future()
        self._early[expected] = (events, future)
        self._settle_soon()
        return future

    def _settle_soon(self) -> None:
        # One at a time, behind whoever was woken: a pattern sees the state as it was at its own event.
        if self._early:
            asyncio.get_running_loop().call_soon(self._settle_early)

    def _settle_early(self) -> None:
        early = self._early.pop(self.fold.seq, None)
        if early is not None:
            events, future = early
            outcome = self._settle(events)
            if not future.done():
                future.set_result(outcome)
            self._settle_soon()

    def _give_up(self) -> None:
        """An append has failed: what was appended behind it will never have its turn."""
        for _events, future in self._early.values():
            if not future.done():
                future.set_exception(StorageError("an earlier part of the journal could not be written"))
        self._early.clear()

    def _flush(self) -> None:
        # In order: an event waits for the durable ones noted before it.
        queue, publish, durable = self._unpublished, self._publish, self.fold.seq
        assert publish is not None
        while queue and (queue[0].type in _AT_ONCE or queue[0].seq <= durable):
            publish(queue.popleft())
