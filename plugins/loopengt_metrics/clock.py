"""The driven time of a run at each of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event

__all__ = ["DrivenClock", "is_outside"]

_OUTSIDE = frozenset({"approval.decision", "checkpoint.delete", "checkpoint.save", "judge.score"})


def is_outside(event: Event) -> bool:
    """Whether an event was written while nobody drove the run."""
    return event.type in _OUTSIDE and "elapsed" in event.data


class DrivenClock:
    """Tells, event by event in order, for how many seconds the run had been driven."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None
        self._at = 0.0

    def read(self, event: Event) -> float:
        """Return the driven seconds at the next event."""
        self._at = max(self._at, event.at)
        if self._since is None:
            self._since = self._at
        elif event.type == "loop.resume" or is_outside(event):
            self._before, self._since = float(event.data.get("elapsed", 0.0)), self._at
        return self._before + self._at - self._since
