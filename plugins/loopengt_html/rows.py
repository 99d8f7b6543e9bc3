"""Writes the list of all events, compressed, within a budget."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt_html.telling import seq_of
from loopengt_html.texts import SHORT, Rank, Texts, packed
from loopengt_html.words import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import TraceEvent

__all__ = ["event_rows", "pack_rows"]

_CHUNK = 2_000
_SCALARS = (int, float, bool, type(None))

Row = list[Any]


def event_rows(events: Sequence[TraceEvent], texts: Texts) -> list[Row]:
    """Return a row for each event: position, number of its run, seconds, type, step, a few words, and its data."""
    runs: dict[str, int] = {}
    zero = events[0].timestamp if events else None
    rows: list[Row] = []
    for event in events:
        run = runs.setdefault(event.run_id, len(runs))
        at = round((event.timestamp - zero).total_seconds(), 3) if zero else 0.0
        kind, seq = event.event_type.value, seq_of(event)
        data = {key: _value(value, texts, seq) for key, value in event.data.items()}
        rows.append([seq, run, at, kind, event.step_name or "", _about(kind, event.data), data])
    return rows


def pack_rows(rows: list[Row], budget: int) -> tuple[list[str], int, int]:
    """Compress rows.

    Args:
        rows: All of them, in order.
        budget: Bytes that they may take.

    Returns:
        Packs of rows in base64, the number of rows that have no data, and the number of rows that are left out.
        Data is left out of the oldest first, and rows out of the middle.
    """
    chunks = [rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK)]
    packs = [packed(chunk) for chunk in chunks]
    total = sum(map(len, packs))
    bare = 0
    for place, chunk in enumerate(chunks):
        if total <= budget:
            break
        less = packed([row[:6] for row in chunk])
        total += len(less) - len(packs[place])
        packs[place], bare = less, bare + len(chunk)
    first, last, left = 0, len(packs), budget
    while first < last:  # the first one, then as many of the last as fit
        place = first if first == 0 else last - 1
        if len(packs[place]) > left:
            break
        left -= len(packs[place])
        first, last = (1, last) if first == 0 else (first, last - 1)
    missing = sum(len(chunk) for chunk in chunks[first:last])
    return packs[:first] + packs[last:], max(0, bare - missing), missing


def _about(kind: str, data: dict[str, Any]) -> str:
    if kind.startswith("gate."):
        return f"{data.get('gate')} {brief(kind, data)}".strip()[:SHORT]
    if kind.startswith("tool.") and data.get("tool"):
        return f"{data['tool']} {brief(kind, data)}".strip()[:SHORT]
    return brief(kind, data)


def _value(value: Any, texts: Texts, seq: int) -> Any:
    """Return a value itself when it is short, else what stands for it."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, str):
        return value if len(value) <= SHORT else texts.put(value, Rank.OTHER, seq)
    if not value:
        return value
    found = texts.put(value, Rank.OTHER, seq)
    if "t" in found or (isinstance(value, dict) and value.keys() <= {"t", "j"}):
        return found  # a value that looks like what stands for a text must not be taken for it
    return json.loads(found["j"])
