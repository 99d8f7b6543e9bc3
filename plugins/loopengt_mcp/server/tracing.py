"""Reads a run's trace in pages that a client can take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.journal import Tracer, read_events
from loopengt_mcp.server.cutting import cut, size_of
from loopengt_mcp.server.models import TracePage

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import Storage
    from loopengt_mcp.server.models import RunState

__all__ = ["read_page", "read_tail"]

PAGE_BYTES = 75_000
"""A result holds a page twice, as text and as data, and is to stay below 200 KB."""
_SHORT = (500, 6_000)
_FULL = (20_000, 60_000)
_CONTEXT = frozenset({"agent", "loop", "step"})
"""Families of events that say what later ones belong to."""


async def read_page(
    storage: Storage,
    state: RunState,
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
    tracer = Tracer(state.run_id)
    found: list[dict[str, Any]] = []
    size, seen, more = 0, after, False
    async for events in read_events(storage, state.run_id, together=64):
        for event in events:
            if event.seq <= after:
                if event.type.partition(".")[0] in _CONTEXT:
                    tracer.convert(event)
                continue
            if more:
                break
            shown = _shown(tracer, event, full)
            if (step and shown.get("step_name") != step) or not _fits(event.type, types):
                seen = event.seq
                continue
            weight = size_of(shown)
            if len(found) >= limit or (found and size + weight > PAGE_BYTES):
                more = True
                break
            found.append(shown)
            size, seen = size + weight, event.seq
        if more:
            break
    over = not more and not state.driven_by
    return TracePage(
        run_id=state.run_id,
        status=state.status,
        events=found,
        next_cursor=None if over else str(seen),
        more=more,
    )


async def read_tail(storage: Storage, run_id: str) -> list[dict[str, Any]]:
    """Return the newest events of a run, as many as a page holds, in order."""
    tracer = Tracer(run_id)
    found: list[tuple[int, dict[str, Any]]] = []
    size = 0
    async for events in read_events(storage, run_id, together=64):
        for event in events:
            shown = _shown(tracer, event, full=False)
            found.append((size_of(shown), shown))
            size += found[-1][0]
        first = 0
        while size > PAGE_BYTES and first < len(found) - 1:
            size -= found[first][0]
            first += 1
        del found[:first]
    return [shown for _, shown in found]


def _shown(tracer: Tracer, event: Event, full: bool) -> dict[str, Any]:
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
    kept: dict[str, Any] = cut(data, *(_FULL if full else _SHORT))
    if isinstance(kept, dict):
        return kept
    return {"event_id": data.get("event_id"), "event_type": event.type, "cut": kept}


def _fits(kind: str, types: list[str] | tuple[str, ...]) -> bool:
    return not types or kind in types or kind.partition(".")[0] in types


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 18:
        return int(cursor)
    raise UsageError(
        f"{cursor[:40]!r} is no cursor", remedy="Give the next_cursor of the page before, or none."
    )
