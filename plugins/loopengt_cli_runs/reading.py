"""Reads a recorded run, as far as its journal is readable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopengt.errors import LoopengtError, StorageCorrupt, StorageError
from loopengt.finding import check_runs_exist, find_run, has_crashed
from loopengt.journal import Fold, Tracer, read_events

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import Event, LoopState, TraceEvent

__all__ = ["Recorded", "read_run"]


@dataclass(slots=True)
class Recorded:
    """A run as its journal tells it."""

    state: LoopState
    events: list[TraceEvent]
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
        fold, tracer = Fold(), Tracer(row.run_id)
        traced: list[TraceEvent] = []
        damage: LoopengtError | None = None
        try:
            async for events in read_events(storage, row.run_id):
                for event in events:
                    traced.append(_take(event, fold, tracer))  # noqa: PERF401 - those before damage are kept
        except StorageError as exc:
            damage = exc
        return Recorded(fold.snapshot(), traced, damage, has_crashed(row))


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
