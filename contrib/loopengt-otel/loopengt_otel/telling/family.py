"""A run and its child runs, as one trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_otel.telling.runs import Run
from loopengt_otel.telling.scope import Scope
from loopengt_otel.telling.spans import nanoseconds

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

    from loopengt_otel.telling.spans import Item
    from loopengt_otel.telling.texts import Texts

__all__ = ["Family", "position"]

_IGNORED = frozenset({"agent.progress", "tool.offer"})


class Family:
    """Turns the events of a run, and of the runs below it, into spans.

    Args:
        root: Id of the run at the top.
        texts: What may be told.
    """

    def __init__(self, root: str, texts: Texts) -> None:
        self.root = root
        self._texts = texts
        self._parents: dict[str, bytes] = {}
        self.runs: dict[str, Run] = {}
        """The runs that have been seen, by id."""

    @property
    def content(self) -> bool:
        """Whether prompts, outputs and the like are told."""
        return self._texts.content

    @property
    def open_spans(self) -> int:
        """How many spans have begun and not ended."""
        return sum(run.open_spans for run in self.runs.values())

    def take(self, event: TraceEvent) -> list[Item]:
        """Take the next event; return what is complete by it. One that was taken before counts no more."""
        kind = event.event_type.value
        if kind in _IGNORED:
            return []
        seq = position(event)
        run = self.runs.get(event.run_id)
        if run is None:
            scope = Scope(self.root, event.run_id, self._texts)
            run = self.runs[event.run_id] = Run(scope, self._parents.get(event.run_id), self._adopt)
        elif seq <= run.seq:
            return []
        return run.take(kind, event.step_name, event.data, nanoseconds(event.timestamp), seq)

    def release(self) -> list[Item]:
        """Return the spans of the runs that have ended, which are held back so that verdicts still reach them."""
        return [item for run in reversed(self.runs.values()) for item in run.release()]

    def _adopt(self, run_id: str, parent: bytes) -> None:
        self._parents[run_id] = parent
        if run_id in self.runs:  # taken up by another attempt, or after its parent had ended
            self.runs[run_id].parent = parent


def position(event: TraceEvent) -> int:
    """Position of an event in its journal, which its id ends with."""
    digits = event.event_id.rpartition(":")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
