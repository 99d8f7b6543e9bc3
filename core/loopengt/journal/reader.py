"""Reads journals: batch by batch, with blobs put back in place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

from loopengt.journal.codec import decode_batch, decode_value
from loopengt.journal.fold import Fold
from loopengt_hookspecs.errors import StorageCorrupt, StorageError
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from loopengt_hookspecs.storage import Batch

__all__ = ["Journals", "load_run", "read_events"]


class Journals(Protocol):
    """Where journals are read from: a storage, or what stands before one."""

    def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Iterate over a journal, as ``Storage.read`` does."""

    async def get_blob(self, digest: str) -> bytes:
        """Return the bytes of a digest, as ``Storage.get_blob`` does."""


_SHELVED = b'_blob":"'
_SHELVABLE = {
    "agent.invoke": "prompt",
    "agent.response": "output",
    "gate.fail": "feedback",
    "handoff": "payload",
    "judge.score": "raw_output",
    "memory.read": "entries",
    "memory.write": "content",
    "model.response": "response",
    "step.retry": "feedback",
    "tool.call": "input",
    "tool.offer": "tools",
    "tool.result": "output",
}
"""Types of events with a value that may be stored as a blob, and its key."""


async def read_events(
    storage: Journals, run_id: str, *, after: int = 0, blobs: bool = True, together: int = 1
) -> AsyncIterator[list[Event]]:
    """Iterate over the events of a run, batch by batch, in order.

    Args:
        storage: Where the journal lies.
        run_id: The whole id of the run.
        after: Position behind which to begin.
        blobs: Put values that were stored as blobs back into their events.
        together: How many batches to yield as one; many are faster.

    Raises:
        RunNotFound: There is no such run.
        StorageCorrupt: A batch cannot be read; all before it were yielded.
    """
    expected = after + 1
    read = 0
    held: list[Event] = []
    try:
        async for batch in storage.read(run_id, after):
            first_seq, payload = batch
            # The first batch may begin before the position.
            if first_seq > expected or (read and first_seq < expected):
                raise StorageCorrupt(
                    f"the journal of run {run_id} has a gap: event {expected} is missing",
                    remedy="Run `loopengt doctor` to have the storage checked.",
                )
            events = decode_batch(payload)
            expected = first_seq + len(events)
            if blobs and _SHELVED in payload:
                events = [await _restore(storage, event) for event in events]
            if first_seq <= after:
                events = [event for event in events if event.seq > after]
            held += events
            read += 1
            if read % together == 0:
                yield held
                held = []
    except StorageError:
        if held:
            yield held
        raise
    if held:
        yield held


async def load_run(storage: Journals, run_id: str) -> tuple[Fold, list[Event]]:
    """Read a whole run: its folded state and its events."""
    fold = Fold()
    events: list[Event] = []
    async for batch in read_events(storage, run_id):
        fold.apply_all(batch)
        events.extend(batch)
    return fold, events


async def _restore(storage: Journals, event: Event) -> Event:
    key = _SHELVABLE.get(event.type)
    digest = event.data.get(f"{key}_blob") if key is not None else None
    if key is None or digest is None or key in event.data:
        return event
    try:
        value = {key: decode_value(await storage.get_blob(digest))}
    except StorageError as exc:
        # A lost blob must not hide the rest of the journal.
        value = {key: None, "lost": str(exc)}
    return event._replace(data=event.data | value)
