"""Reads journals: batch by batch, with blobs put back in place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from loopengt.journal.codec import decode_batch
from loopengt.journal.fold import Fold
from loopengt_hookspecs.errors import StorageCorrupt, StorageError
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from loopengt_hookspecs.storage import Storage

__all__ = ["load_run", "read_events"]

_SHELVED = (b'_blob":"',)
_SHELVABLE = ("output", "prompt", "feedback")


async def read_events(
    storage: Storage, run_id: str, *, after: int = 0, blobs: bool = True
) -> AsyncIterator[list[Event]]:
    """Iterate over the events of a run, batch by batch, in order.

    Args:
        storage: Where the journal lies.
        run_id: The whole id of the run.
        after: Position behind which to begin.
        blobs: Put values that were stored as blobs back into their events.

    Raises:
        RunNotFound: There is no such run.
        StorageCorrupt: A batch cannot be read; all before it were yielded.
    """
    expected = 0
    async for batch in storage.read(run_id, after):
        if expected and batch.first_seq != expected:
            raise StorageCorrupt(
                f"the journal of run {run_id} has a gap: event {expected} is missing",
                remedy="Run `loopengt doctor` to have the storage checked.",
            )
        events = decode_batch(batch.payload)
        expected = batch.first_seq + len(events)
        if blobs and any(mark in batch.payload for mark in _SHELVED):
            events = [await _restore(storage, event) for event in events]
        if batch.first_seq <= after:
            events = [event for event in events if event.seq > after]
        yield events


async def load_run(storage: Storage, run_id: str) -> tuple[Fold, list[Event]]:
    """Read a whole run: its folded state and its events."""
    fold = Fold()
    events: list[Event] = []
    async for batch in read_events(storage, run_id):
        fold.apply_all(batch)
        events.extend(batch)
    return fold, events


async def _restore(storage: Storage, event: Event) -> Event:
    data = event.data
    for key in _SHELVABLE:
        digest = data.get(f"{key}_blob")
        if digest is None or key in data:
            continue
        try:
            data = {**data, key: msgspec.json.decode(await storage.get_blob(digest))}
        except StorageError as exc:
            # A lost blob must not hide the rest of the journal.
            data = {**data, key: None, "lost": str(exc)}
    return event._replace(data=data)
