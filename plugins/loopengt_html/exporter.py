"""The exporter ``html``: one self-contained page of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_html.data import Writer
from loopengt_html.page import assets, block, pack_block, page
from loopengt_html.rows import event_rows, pack_rows
from loopengt_html.telling import tell
from loopengt_html.texts import Texts, packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import LoopState, TraceEvent

__all__ = ["LARGEST", "HtmlExporter"]

LARGEST = 5_000_000
"""Bytes of the largest page."""

_SPARE = 100_000
_ROWS = 1_200_000
_RUNS = 1_800_000
_MOST = 20_000


class HtmlExporter:
    """Writes a page that needs nothing else: no network, no other file."""

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run, in at most ``LARGEST`` bytes; what there is no place for is cut, and the page says so."""
        runs = tell(events)
        most, room = _MOST, LARGEST - _SPARE - sum(len(part.encode()) for part in assets())
        while True:
            texts = Texts()
            data = Writer(texts, most).runs(runs)
            size = _size(data)
            if size <= _RUNS or most <= 50:
                rows, bare, missing = pack_rows(event_rows(events, texts), _ROWS)
                table, packs = texts.pack(max(0, room - size - sum(map(len, rows))))
                core = {
                    "run": state.run_id,
                    "loop": state.loop_name,
                    "status": state.status.value,
                    "reason": state.reason or state.status.value,
                    "start": events[0].timestamp.timestamp() if events else None,
                    "runs": data,
                    "texts": table,
                    "events": {"packs": len(rows), "count": len(events), "bare": bare, "missing": missing},
                }
                blocks = [block("data", core)]
                blocks += [pack_block(f"events-{at}", pack) for at, pack in enumerate(rows)]
                blocks += [pack_block(f"texts-{at}", pack) for at, pack in enumerate(packs)]
                document = page(state, runs, blocks)
                over = len(document.encode()) - LARGEST
                if over <= 0 or most <= 50:
                    return document
                room -= over
            most //= 2


def _size(data: Any) -> int:
    return len(packed(data))
