"""An observer that keeps what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["RecordingObserver"]


class RecordingObserver:
    """Keeps every event of the runs that it watches."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        """The events so far, in order."""
        self.closed = 0
        """How many runs have ended or paused."""

    def enabled(self) -> bool:
        """Watch every run."""
        return True

    async def on_event(self, event: TraceEvent) -> None:
        """Keep an event."""
        self.events.append(event)

    async def close(self) -> None:
        """Count the end of a run."""
        self.closed += 1

    def types(self) -> list[str]:
        """The types of all events, such as ``step.start``, in order."""
        return [event.event_type.value for event in self.events]

    def of(self, event_type: str) -> list[TraceEvent]:
        """The events of one type, such as ``gate.fail``."""
        return [event for event in self.events if event.event_type == event_type]
