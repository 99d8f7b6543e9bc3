"""Reads a recorded run, as far as its journal is readable."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopengt.errors import LoopengtError, RunNotFound, StorageCorrupt, StorageError
from loopengt.finding import check_runs_exist, find_run, has_crashed
from loopengt.journal import Fold, Tracer, read_events

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import Event, LoopState, TraceEvent
    from loopengt_hookspecs.storage import Storage

__all__ = ["Recorded", "read_run"]


@dataclass(slots=True)
class Recorded:
    """A run as its journal tells it."""

    state: LoopState
    events: list[TraceEvent]
    """Its events; those of a child run stand behind the event that began the step, under the child's id."""
    damage: LoopengtError | None
    """Why the rest of the journal cannot be read; None: this is all of it."""
    crashed: bool
    """Whether it counts as running, but nobody drives it."""


async def read_run(kernel: Kernel, name: str) -> Recorded:
    """Read a run.

    Args:
        kernel: The project.
        name: The run's id, a prefix of it, or ``latest``.

    Raises:
        RunNotFound: There is no such run, or more than one.
        StorageError: The storage cannot be opened.
    """
    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        reader = _Reader(storage)
        fold = await reader.read(row.run_id)
        return Recorded(fold.snapshot(), reader.events, reader.damage, has_crashed(row))


class _Reader:
    """Reads a run and its child runs into one list of events."""

    def __init__(self, storage: Storage) -> None:
        self.events: list[TraceEvent] = []
        self.damage: LoopengtError | None = None
        self._storage = storage
        self._seen: set[str] = set()

    async def read(self, run_id: str) -> Fold:
        """Read a run as far as its journal is readable, and each child run at its place."""
        fold, tracer = Fold(), Tracer(run_id)
        self._seen.add(run_id)
        try:
            async for events in read_events(self._storage, run_id):
                for event in events:
                    self.events.append(_take(event, fold, tracer))
                    child = event.data.get("run") if event.type == "step.start" else None
                    # An attempt that is begun again after a crash names the same child run.
                    if isinstance(child, str) and child not in self._seen:
                        await self._read_child(child)
        except StorageError as exc:
            self.damage = self.damage or exc
        return fold

    async def _read_child(self, run_id: str) -> None:
        with suppress(RunNotFound):  # a crash came before it was begun, or it was deleted
            await self.read(run_id)


def _take(event: Event, fold: Fold, tracer: Tracer) -> TraceEvent:
    try:
        fold.apply(event)
        return tracer.convert(event)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        why = f"{type(exc).__name__}: {exc}".splitlines()[0]
        raise StorageCorrupt(
            f"event {event.seq} of the journal ({event.type!r}) makes no sense: {why}",
            remedy="Run `loopengt doctor`.",
        ) from exc
