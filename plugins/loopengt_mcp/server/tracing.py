"""Reads a run's trace in pages that a client can take."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from loopengt.errors import RunNotFound, UsageError
from loopengt.journal import Tracer, read_events
from loopengt_mcp.server.cutting import cut_and_size
from loopengt_mcp.server.models import TracePage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from loopengt.journal import Journals
    from loopengt_hookspecs.models import Event
    from loopengt_mcp.server.indexing import EventIndex
    from loopengt_mcp.server.models import RunState

__all__ = ["read_page", "read_tail"]

PAGE_BYTES = 75_000
"""A result holds a page twice, as text and as data, and is to stay below 200 KB."""
_SHORT = (500, 6_000)
_FULL = (20_000, 60_000)
_READ = 128
"""Most events that are read at once."""
_GAP = 64
"""Events that nobody wants, and that are read all the same rather than passed over by another request."""


async def read_page(
    storage: Journals,
    state: RunState,
    index: EventIndex,
    *,
    cursor: str = "",
    limit: int = 100,
    step: str = "",
    types: list[str] | tuple[str, ...] = (),
    full: bool = False,
) -> TracePage:
    """Return the events behind a cursor.

    Args:
        storage: Where the run is kept.
        state: Where it stands.
        index: Its events up to now.
        cursor: Position of the last event that was seen; empty: none.
        limit: Most events.
        step: Only events of this step.
        types: Only events of these types or families.
        full: Show long texts.

    Raises:
        UsageError: The cursor is none.
        StorageError: The journal cannot be read.
    """
    after = _position(cursor)
    found: list[dict[str, Any]] = []
    size, seen, more = 0, after, False
    wanted = index.chosen(after, step=step, types=types)
    async for seq, shown, weight in _all_shown(
        storage, state.run_id, index, wanted, full=full, at_once=limit + 1
    ):
        if len(found) >= limit or (found and size + weight > PAGE_BYTES):
            more = True
            break
        found.append(shown)
        size, seen = size + weight, seq
    if not more:
        seen = max(after, len(index))
    over = not more and not state.driven_by
    return TracePage(
        run_id=state.run_id,
        status=state.status,
        events=found,
        next_cursor=None if over else str(seen),
        more=more,
    )


async def read_tail(storage: Journals, run_id: str, index: EventIndex) -> list[dict[str, Any]]:
    """Return the newest events of a run, as many as a page holds, in order."""
    found: list[dict[str, Any]] = []
    size, end = 0, len(index)
    while end > 0:
        first = max(1, end - _READ + 1)
        wanted = range(first, end + 1)
        some = [each async for each in _all_shown(storage, run_id, index, iter(wanted), full=False)]
        for _, shown, weight in reversed(some):
            size += weight
            if found and size > PAGE_BYTES:
                return found[::-1]
            found.append(shown)
        end = first - 1
    return found[::-1]


async def _all_shown(
    storage: Journals,
    run_id: str,
    index: EventIndex,
    wanted: Iterator[int],
    *,
    full: bool,
    at_once: int = _READ,
) -> AsyncIterator[tuple[int, dict[str, Any], int]]:
    """Yield positions, the events there as they are shown, and how many bytes these take."""
    tracer = Tracer(run_id)
    if index.start is not None:
        tracer.convert(index.start)
    told: set[int] = set()
    while some := list(islice(wanted, min(at_once, _READ))):
        context = {seq: index.context(seq) for seq in some}
        needed = {*some, *(each for seqs in context.values() for each in seqs)} - told
        events = await _read(storage, run_id, sorted(needed))
        for seq in some:
            for each in context[seq]:
                if each not in told:
                    tracer.convert(events[each])
                    told.add(each)
            yield seq, *_shown(tracer, events[seq], full)
            told.add(seq)


async def _read(storage: Journals, run_id: str, wanted: list[int]) -> dict[int, Event]:
    """Read events by their positions, those that lie near each other at once."""
    found: dict[int, Event] = {}
    chosen = set(wanted)
    for first, last in _ranges(wanted):
        async for events in read_events(storage, run_id, after=first - 1):
            found |= {event.seq: event for event in events if event.seq in chosen}
            if events[-1].seq >= last:
                break
    if len(found) < len(wanted):
        raise RunNotFound(f"run {run_id} was deleted while it was read", remedy="Call list_runs.")
    return found


def _ranges(wanted: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = 0
    for seq in wanted:
        if first and seq - last > _GAP:
            yield first, last
            first = 0
        first, last = first or seq, seq
    if first:
        yield first, last


def _shown(tracer: Tracer, event: Event, full: bool) -> tuple[dict[str, Any], int]:
    data = tracer.convert(event).model_dump(mode="json", exclude_defaults=True)
    # Named by every page; and what stands in fields of their own is not told twice.
    data.pop("run_id", None)
    told = data.get("data")
    if isinstance(told, dict):
        for key, field in (
            ("input", "input_data"),
            ("output", "output_data"),
            ("output", "output"),
            ("error", "error"),
        ):
            if field in data and key in told:
                told.pop(key)
    data["event_type"] = event.type
    kept, size = cut_and_size(data, *(_FULL if full else _SHORT))
    if isinstance(kept, dict):
        return kept, size
    return {"event_id": data.get("event_id"), "event_type": event.type, "cut": kept}, size + 200


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 18:
        return int(cursor)
    raise UsageError(
        f"{cursor[:40]!r} is no cursor", remedy="Give the next_cursor of the page before, or none."
    )
