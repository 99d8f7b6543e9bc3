"""Watches a run on behalf of the calls that wait for it, and of clients that listen."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loopengt.display import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_mcp.server.news import News

__all__ = ["Watcher"]

_SAID = {
    "loop.pause": "paused",
    "loop.complete": "ended",
    "loop.error": "ended",
    "step.start": "started",
    "step.complete": "completed",
    "step.error": "failed",
    "step.retry": "is tried again",
    "gate.pass": "passed",
    "gate.fail": "failed",
    "approval.request": "asks a person",
    "approval.decision": "was answered",
    "tool.call": "is called",
}


class Watcher:
    """An observer of one run.

    Args:
        run_id: The run.
        news: Is told which runs have changed.
    """

    def __init__(self, run_id: str, news: News) -> None:
        self.begun = asyncio.Event()
        """Set when the first event has come: the run is in the storage, and driven."""
        self.count = 0
        """How many things worth telling have happened."""
        self.message = ""
        """The last of them."""
        self.under_way: set[str] = set()
        """Steps that have begun: their beginnings reach the journal only with what comes next."""
        self._run_id = run_id
        self._news = news
        self._listening: set[asyncio.Event] = set()

    def enabled(self) -> bool:
        """Watch every run."""
        return True

    async def on_event(self, event: TraceEvent) -> None:
        """Take an event of the run, or of a child run."""
        self.begun.set()
        self._news.of_run(event.run_id)
        if event.event_type.family == "loop":
            self._news.of_runs()
        if event.run_id == self._run_id and event.step_name is not None:
            if event.event_type.value == "step.start":
                self.under_way.add(event.step_name)
            elif event.event_type.value in ("step.complete", "step.error"):
                self.under_way.discard(event.step_name)
        said = _SAID.get(event.event_type.value)
        if said is not None:
            self.count += 1
            self.message = _sentence(event, said)
            self.tell()

    async def close(self) -> None:
        """Nothing is held open."""

    def tell(self) -> None:
        """Wake everybody who listens."""
        for listener in self._listening:
            listener.set()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever something has happened."""
        listener = asyncio.Event()
        self._listening.add(listener)
        try:
            yield listener
        finally:
            self._listening.discard(listener)


def _sentence(event: TraceEvent, said: str) -> str:
    family = event.event_type.family
    turn = f" (turn {event.turn})" if event.turn is not None else ""
    step = one_line(event.step_name or "")
    if family == "loop":
        return f"the run {said}"
    if family == "gate":
        return f"gate {one_line(event.data.get('gate') or '')!r} of step {step!r} {said}{turn}"
    if family == "tool":
        return f"tool {one_line(event.tool_name or '')!r} {said} by step {step!r}{turn}"
    return f"step {step!r} {said}{turn}"
