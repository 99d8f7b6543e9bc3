"""The exporters ``json`` and ``jsonl``: every event in the TraceEvent shape, nothing left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import LoopState, TraceEvent

__all__ = ["JsonExporter", "JsonLinesExporter"]


class JsonExporter:
    """Writes one JSON array of the events, one event a line."""

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run."""
        if not events:
            return "[]\n"
        return "[\n" + ",\n".join(event.model_dump_json() for event in events) + "\n]\n"


class JsonLinesExporter:
    """Writes one JSON object a line, as ``run --json`` does."""

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run."""
        return "".join(f"{event.model_dump_json()}\n" for event in events)
