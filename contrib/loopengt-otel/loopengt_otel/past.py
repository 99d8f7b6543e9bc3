"""Reads what a run did before it is watched, so that its spans begin when they began."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from loopengt import RunNotFound, get_logger
from loopengt.errors import LoopengtError
from loopengt.journal import Tracer, read_events
from loopengt.leaving import LeavingJournals
from loopengt.redaction import Redactor

from loopengt_otel.telling.family import position

if TYPE_CHECKING:
    from loopengt import Components
    from loopengt_hookspecs.models import TraceEvent
    from loopengt_hookspecs.storage import Storage

    from loopengt_otel.telling.family import Family
    from loopengt_otel.telling.spans import Item

__all__ = ["read_past"]


async def read_past(components: Components, family: Family, until: TraceEvent) -> list[Item]:
    """Have a family take the events before one; return what was complete before.

    A journal that cannot be read is no reason to leave a run alone: it is watched from here on.

    Args:
        components: Gives the storage.
        family: The family of the event's run.
        until: The first event that is watched.
    """
    reader = _Reader(family, until)
    try:
        redactor = Redactor.of_project(components, os.environ, leaving=True)
        await reader.read(LeavingJournals(components.opened_storage(), redactor), until.run_id)
    except LoopengtError as exc:
        get_logger("loopengt.otel").warning(
            "the run's past cannot be read", run_id=until.run_id, why=exc.message
        )
    return reader.items


class _Reader:
    def __init__(self, family: Family, until: TraceEvent) -> None:
        self.items: list[Item] = []
        self._family = family
        self._until = until
        self._seen: set[str] = set()

    async def read(self, journals: LeavingJournals, run_id: str) -> None:
        tracer = Tracer(run_id)
        self._seen.add(run_id)
        storage = cast("Storage", journals)  # which it stands for, as far as reading goes
        async for batch in read_events(storage, run_id, blobs=self._family.content, together=16):
            for recorded in batch:
                event = tracer.convert(recorded)
                if not self._is_past(event):
                    return
                self.items += self._family.take(event)
                child = event.data.get("run") if event.event_type.value == "step.start" else None
                if isinstance(child, str) and child not in self._seen:
                    with suppress(RunNotFound):
                        await self.read(journals, child)

    def _is_past(self, event: TraceEvent) -> bool:
        if event.run_id == self._until.run_id:
            return position(event) < position(self._until)
        # A child run may go on while this is read, and those events are still to come.
        return event.timestamp < self._until.timestamp
