"""Reads the events of a run and of its child runs, as far as its journal is readable."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loopengt.errors import RunNotFound, StorageError
from loopengt.finding import check_runs_exist, find_run
from loopengt.journal import Tracer, read_events

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import TraceEvent
    from loopengt_hookspecs.storage import Storage

__all__ = ["Recorded", "read_events_of"]


@dataclass(slots=True)
class Recorded:
    """A run as its journal tells it."""

    events: list[TraceEvent] = field(default_factory=list)
    """Its events; those of a child run stand behind the event that began the step, under the child's id."""
    damage: str = ""
    """Why the rest cannot be read; empty: this is all of it."""


async def read_events_of(kernel: Kernel, name: str) -> Recorded:
    """Read a run.

    Args:
        kernel: The project.
        name: The run's id, a prefix of it, or ``latest``.

    Raises:
        RunNotFound: There is no such run, or more than one.
        StorageError: The storage cannot be opened.
    """
    check_runs_exist(kernel, name)
    found = Recorded()
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        await _read(storage, row.run_id, found, set())
    return found


async def _read(storage: Storage, run_id: str, found: Recorded, seen: set[str]) -> None:
    tracer = Tracer(run_id)
    seen.add(run_id)
    try:
        async for events in read_events(storage, run_id, blobs=False):  # no drawing shows what is that large
            for event in events:
                found.events.append(tracer.convert(event))
                child = event.data.get("run") if event.type == "step.start" else None
                if isinstance(child, str) and child not in seen:
                    with suppress(RunNotFound):  # a crash came before it was begun, or it was deleted
                        await _read(storage, child, found, seen)
    except StorageError as error:
        found.damage = found.damage or str(error)
