"""Knows of each event of a run its type, its step, and the events that say what it belongs to, in a few bytes."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from loopengt_hookspecs.models import Event

__all__ = ["EventIndex"]


class EventIndex:
    """The events of one run, from the first one on."""

    def __init__(self) -> None:
        self.start: Event | None = None
        """The event that began the run."""
        self._types: dict[str, int] = {}
        self._steps: dict[str | None, int] = {}
        self._type = array("I")
        self._step = array("I")
        self._context = [array("q") for _ in range(3)]
        """Of each event, where the execution of its step began (or the step was passed over), and where its model and
        its output were told last."""
        self._open: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._type)

    def take(self, events: Iterable[Event]) -> None:
        """Take in the next events."""
        for event in events:
            self._type.append(self._types.setdefault(event.type, len(self._types)))
            self._step.append(self._steps.setdefault(event.step, len(self._steps)))
            context = self._open.get(event.step, _NONE) if event.step is not None else _NONE
            for known, seq in zip(self._context, context, strict=True):
                known.append(seq)
            self._note(event)

    def _note(self, event: Event) -> None:
        step, data = event.step, event.data
        if event.type == "loop.start" and self.start is None:
            self.start = event
        if step is None:
            return
        if data.get("skipped") or event.type == "step.start":
            self._open[step] = [event.seq, 0, 0]
        elif event.type.startswith("agent.") and step in self._open:
            context = self._open[step]
            if "model" in data:
                context[1] = event.seq
            if "output" in data:
                context[2] = event.seq

    def context(self, seq: int) -> list[int]:
        """Return the positions of the events that say what an event belongs to, in order."""
        return sorted({known[seq - 1] for known in self._context} - {0})

    def chosen(self, after: int, *, step: str, types: Collection[str]) -> Iterator[int]:
        """Yield positions behind another one, in order.

        Args:
            after: That one.
            step: Only of events of this step; empty: all.
            types: Only of events of these types or families; empty: all.
        """
        if not step and not types:
            yield from range(after + 1, len(self) + 1)
            return
        kinds = {
            number
            for kind, number in self._types.items()
            if not types or kind in types or kind.partition(".")[0] in types
        }
        place = self._steps.get(step, -1) if step else None
        if not kinds or place == -1:
            return
        for seq in range(after + 1, len(self) + 1):
            if self._type[seq - 1] in kinds and (place is None or self._step[seq - 1] == place):
                yield seq


_NONE = (0, 0, 0)
