"""The exporters ``json`` and ``jsonl``: every event in the TraceEvent shape, nothing left out."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt_hookspecs.models import LoopState, TraceEvent

__all__ = ["JsonExporter", "JsonLinesExporter"]

_TOGETHER = 1_000


class JsonExporter:
    """Writes one JSON array of the events, one event a line."""

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run."""
        return "".join(self.parts(state, events))

    def parts(self, state: LoopState, events: Sequence[TraceEvent]) -> Iterator[str]:
        """Render a run bit by bit, so that the whole is never in memory."""
        begin = "[\n"
        for lines in _lines(events):
            yield begin + ",\n".join(lines)
            begin = ",\n"
        yield "[]\n" if begin == "[\n" else "\n]\n"


class JsonLinesExporter:
    """Writes one JSON object a line, as ``run --json`` does."""

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run."""
        return "".join(self.parts(state, events))

    def parts(self, state: LoopState, events: Sequence[TraceEvent]) -> Iterator[str]:
        """Render a run bit by bit, so that the whole is never in memory."""
        for lines in _lines(events):
            yield "\n".join([*lines, ""])


def _lines(events: Sequence[TraceEvent]) -> Iterator[list[str]]:
    left = iter(events)
    while some := [event.model_dump_json() for event in islice(left, _TOGETHER)]:
        yield some
