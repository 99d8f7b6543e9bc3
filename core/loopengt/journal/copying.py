"""Copies journals up to a place, in bounded memory; a copy that was cut short can be completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.journal.codec import encode_batch
from loopengt.journal.reader import read_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import Lease, RunRow, Storage

    Change = Callable[[Event], Event]

__all__ = ["CHUNK_BYTES", "complete_copy", "copy_journal", "events_upto"]

CHUNK_BYTES = 1 << 20
"""Bytes from which a part of a copy is written; at most one batch of the source comes on top."""


async def events_upto(
    storage: Storage,
    run_id: str,
    upto: int,
    *,
    after: int = 0,
    blobs: bool = True,
    change: Change | None = None,
) -> AsyncIterator[list[Event]]:
    """Iterate over the first events of a run, batch by batch.

    Args:
        storage: Where the journal lies.
        run_id: The whole id of the run.
        upto: Position of the last event.
        after: Position behind which to begin.
        blobs: Put values that were stored as blobs back into their events.
        change: Applied to each event; it keeps the position.

    Raises:
        RunNotFound: There is no such run.
        StorageCorrupt: The journal cannot be read.
    """
    if after >= upto:
        return
    async for events in read_events(storage, run_id, after=after, blobs=blobs):
        found = events if events[-1].seq <= upto else [event for event in events if event.seq <= upto]
        yield found if change is None else [change(event) for event in found]
        if events[-1].seq >= upto:
            return


async def copy_journal(
    storage: Storage,
    run_id: str,
    upto: int,
    row: RunRow,
    owner: str,
    ttl: float,
    *,
    change: Change | None = None,
    into: Storage | None = None,
) -> Lease:
    """Make a new run of the first events of another, and return its lease.

    What fits into one part (about a megabyte of events) is written at once; of a longer copy that is cut short, a part
    is there, and ``complete_copy`` writes the rest. Blobs are shared: the copy refers to them by their digests.

    Args:
        storage: Where the source lies.
        run_id: The source.
        upto: Position of the last event to copy.
        row: Line of the new run in listings.
        owner: Who gets the lease.
        ttl: Seconds that the lease is good for.
        change: Applied to each event; it keeps the position, and the first event has to name the new run.
        into: Where the copy goes; None: the same storage.

    Raises:
        RunNotFound: There is no such source.
        StorageError: There is a run of the new id already, or something cannot be read or written.
    """
    target = storage if into is None else into
    lease: Lease | None = None
    written = 0
    async for payload, count in _parts(events_upto(storage, run_id, upto, blobs=False, change=change)):
        if lease is None:
            lease = await target.create(row, owner, ttl, payload, count)
        else:
            await target.append(lease, written, count, payload)
        written += count
    assert lease is not None, "there is a first event"
    return lease


async def complete_copy(
    storage: Storage, run_id: str, upto: int, lease: Lease, *, change: Change | None = None
) -> None:
    """Write what is missing of a copy that was cut short.

    Args:
        storage: Where both lie.
        run_id: The source.
        upto: Position of the last event to copy.
        lease: The lease of the copy.
        change: As for ``copy_journal``.

    Raises:
        RunNotFound: The source is gone.
        StorageError: Something cannot be read or written.
    """
    written = 0
    async for events in read_events(storage, lease.run_id, blobs=False):
        written = events[-1].seq
    missing = events_upto(storage, run_id, upto, after=written, blobs=False, change=change)
    async for payload, count in _parts(missing):
        await storage.append(lease, written, count, payload)
        written += count


async def _parts(batches: AsyncIterator[list[Event]]) -> AsyncIterator[tuple[bytes, int]]:
    """Put batches together to parts, each a payload and its number of events."""
    bodies: list[bytes] = []
    size = count = 0
    async for events in batches:
        body = encode_batch(events)[1:-1]
        bodies.append(body)
        size += len(body)
        count += len(events)
        if size >= CHUNK_BYTES:
            yield b"[" + b",".join(bodies) + b"]", count
            bodies, size, count = [], 0, 0
    if bodies:
        yield b"[" + b",".join(bodies) + b"]", count
