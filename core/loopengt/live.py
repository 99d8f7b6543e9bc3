"""Turns the events of runs into the five calls that people and tools want to hear of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["LIVE_CALLS", "LiveObserver"]

LIVE_CALLS = {
    "loop.start": "on_loop_start",
    "loop.resume": "on_loop_start",
    "step.start": "on_step_start",
    "step.complete": "on_step_complete",
    "loop.complete": "on_loop_complete",
    "loop.pause": "on_loop_complete",
    "step.error": "on_error",
    "loop.error": "on_error",
}
"""The method that takes an event, by the event's type."""


class LiveObserver:
    """An observer whose five methods do nothing: derive from it and write those that are needed.

    Runs of one process share it; ``event.run_id`` says which run it is. Events of a run come in order, those of its
    sub-loops among them, and never hold it up; an exception is logged, no more.
    """

    def enabled(self) -> bool:
        """Watch every run."""
        return True

    async def on_event(self, event: TraceEvent) -> None:
        """Hand an event to the method that it is for; most events are for none."""
        method = LIVE_CALLS.get(event.event_type.value)
        if method is not None:
            await getattr(self, method)(event)

    async def close(self) -> None:
        """A run has ended or rests; nothing is left to do."""

    async def on_loop_start(self, event: TraceEvent) -> None:
        """A run begins or is taken up again."""

    async def on_step_start(self, event: TraceEvent) -> None:
        """An attempt at a step begins."""

    async def on_step_complete(self, event: TraceEvent) -> None:
        """A step is done."""

    async def on_loop_complete(self, event: TraceEvent) -> None:
        """A run is at its goal or rests."""

    async def on_error(self, event: TraceEvent) -> None:
        """A step failed, or the run ended short of its goal."""
