"""Reads a recorded run, as far as its journal is readable, without secrets."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt.errors import LoopengtError, RunNotFound, StorageCorrupt, StorageError
from loopengt.finding import check_runs_exist, find_run, has_crashed
from loopengt.journal import Fold, Tracer, decode_value, read_events
from loopengt.leaving import LeavingJournals, leaving_redactor
from loopengt_cli_runs.recorded import RecordedEvents

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import Event, LoopState, TraceEvent
    from loopengt_hookspecs.storage import Storage

__all__ = ["Recorded", "read_run", "take"]

_TOGETHER = 64


@dataclass(
    slots=True, repr=False
)  # asyncio.run() writes what it returns down for itself, which took a third of all
class Recorded:
    """A run as its journal tells it."""

    state: LoopState
    events: RecordedEvents
    """Its events; those of a child run stand behind the event that began the step, under the child's id."""
    damage: LoopengtError | None
    """Why the rest of the journal cannot be read; None: this is all of it."""
    crashed: bool
    """Whether it counts as running, but nobody drives it."""
    header: dict[str, Any]
    """Data of the ``loop.start`` event, with what a changed spec has put in its place."""
    spec: dict[str, Any] | None
    """The spec that it goes by, when it was asked for and can be read."""


async def read_run(kernel: Kernel, name: str, *, with_spec: bool = False) -> Recorded:
    """Read a run.

    Args:
        kernel: The project.
        name: The run's id, a prefix of it, or ``latest``.
        with_spec: Read its spec, too.

    Raises:
        RunNotFound: There is no such run, or more than one.
        StorageError: The storage cannot be opened.
        ConfigError: The settings are not usable.
    """
    check_runs_exist(kernel, name)
    redactor = leaving_redactor(kernel)
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        journals = LeavingJournals(storage, redactor)
        reader = _Reader(journals)
        fold = await reader.read(row.run_id)
        spec = await _spec(journals, fold.header) if with_spec else None
        return Recorded(fold.snapshot(), reader.events, reader.damage, has_crashed(row), fold.header, spec)


class _Reader:
    """Reads a run and its child runs into one list of events."""

    def __init__(self, storage: LeavingJournals | Storage) -> None:
        self.events = RecordedEvents()
        self.damage: LoopengtError | None = None
        self._storage = storage
        self._seen: set[str] = set()

    async def read(self, run_id: str) -> Fold:
        """Read a run as far as its journal is readable, and each child run at its place."""
        fold, tracer = Fold(), Tracer(run_id)
        self._seen.add(run_id)
        try:
            async for events in read_events(self._storage, run_id, together=_TOGETHER):
                await self._add(run_id, events, fold, tracer)
        except StorageError as exc:
            self.damage = self.damage or exc
        return fold

    async def _add(self, run_id: str, events: list[Event], fold: Fold, tracer: Tracer) -> None:
        done, traced = 0, list[Any]()
        try:
            for index, event in enumerate(events, 1):
                traced.append(take(event, fold, tracer))
                child = event.data.get("run") if event.type == "step.start" else None
                # An attempt that is begun again after a crash names the same child run.
                if isinstance(child, str) and child not in self._seen:
                    self.events.add(run_id, events[done:index], traced)
                    done, traced = index, []
                    await self._read_child(child)
        finally:
            if traced:
                self.events.add(run_id, events[done : done + len(traced)], traced)

    async def _read_child(self, run_id: str) -> None:
        with suppress(RunNotFound):  # a crash came before it was begun, or it was deleted
            await self.read(run_id)


async def _spec(journals: LeavingJournals, header: dict[str, Any]) -> dict[str, Any] | None:
    try:
        spec = decode_value(await journals.get_blob(str(header.get("spec"))))
    except (StorageError, ValueError):
        return None
    return spec if isinstance(spec, dict) else None


def take(event: Event, fold: Fold, tracer: Tracer) -> TraceEvent:
    """Bring a run's state forward by its next event, and return that as it is shown.

    Raises:
        StorageCorrupt: It makes no sense.
    """
    try:
        fold.apply(event)
        return tracer.convert(event)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        why = f"{type(exc).__name__}: {exc}".splitlines()[0]
        raise StorageCorrupt(
            f"event {event.seq} of the journal ({event.type!r}) makes no sense: {why}",
            remedy="Run `loopengt doctor`.",
        ) from exc
