"""Follows a run while it goes on, whoever drives it: reads what its journal has got since the last look."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt.errors import RunNotFound
from loopengt.finding import check_runs_exist, exact_run, find_run, has_crashed
from loopengt.journal import Fold, Tracer, read_events
from loopengt.leaving import LeavingJournals, leaving_redactor
from loopengt_cli_runs.reading import take

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt import Kernel
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["follow_run"]

_LOOK_SECONDS = 0.2
_OVER = ("completed", "failed", "cancelled", "paused")


async def follow_run(kernel: Kernel, name: str, show: Callable[[str, list[TraceEvent]], Any]) -> str:
    """Show a run's events, those that there are and those to come, until it ends or rests.

    Args:
        kernel: The project.
        name: The run's id, a prefix of it, or ``latest``.
        show: Called with the run's id and its next events, those of its child runs among them.

    Returns:
        Why it is over: ended, crashed (nobody drives it), or deleted.

    Raises:
        RunNotFound: There is no such run, or more than one.
        StorageError: The journal cannot be read any further; what comes before was shown.
    """
    check_runs_exist(kernel, name)
    redactor = leaving_redactor(kernel)
    async with kernel.storage() as storage:
        run_id = (await find_run(storage, name)).run_id
        followed = _Followed(LeavingJournals(storage, redactor), run_id)
        while True:
            row = await exact_run(storage, run_id)  # before the journal: what it says is then in there
            if row is None:
                return "deleted"
            try:
                await followed.look()
            finally:
                if followed.new:
                    show(run_id, followed.taken())
            if row.status in _OVER:
                return "ended"
            if has_crashed(row):
                return "crashed"
            await asyncio.sleep(_LOOK_SECONDS)


class _Followed:
    """A run and its child runs, as far as they were read."""

    def __init__(self, journals: LeavingJournals, run_id: str) -> None:
        self.new: list[TraceEvent] = []
        self._journals = journals
        self._runs = {run_id: (Fold(history=False), Tracer(run_id))}

    def taken(self) -> list[TraceEvent]:
        """Return what is new, in the order in which it happened, and have it new no more."""
        found, self.new = sorted(self.new, key=lambda event: event.timestamp), []
        return found

    async def look(self) -> None:
        """Read what is new."""
        done: set[str] = set()
        while pending := [run_id for run_id in self._runs if run_id not in done]:
            for run_id in pending:
                done.add(run_id)
                with suppress(RunNotFound):  # a child run that is not begun yet
                    await self._read(run_id)

    async def _read(self, run_id: str) -> None:
        fold, tracer = self._runs[run_id]
        async for events in read_events(self._journals, run_id, after=fold.seq):
            for event in events:
                self.new.append(take(event, fold, tracer))
                child = event.data.get("run") if event.type == "step.start" else None
                if isinstance(child, str) and child not in self._runs:
                    self._runs[child] = (Fold(history=False), Tracer(child))
