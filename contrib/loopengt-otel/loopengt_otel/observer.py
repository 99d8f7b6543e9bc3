"""The observer ``otel``: sends runs while they are driven."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from loopengt import get_logger

from loopengt_otel.making import settings_of, texts_of
from loopengt_otel.past import read_past
from loopengt_otel.queueing import Counts, SpanQueue
from loopengt_otel.sending.delivery import Delivery
from loopengt_otel.settings import is_disabled
from loopengt_otel.telling.family import Family

if TYPE_CHECKING:
    from loopengt import Components, PluginContext
    from loopengt_hookspecs.models import TraceEvent

    from loopengt_otel.settings import Settings

__all__ = ["OtelObserver"]

_RESTS = frozenset({"loop.pause", "loop.complete", "loop.error"})


class OtelObserver:
    """Sends each span when it has ended. It never holds a run up: what cannot be sent in time is dropped, and counted.

    Runs of one process share it.

    Args:
        settings: Where and how.
        components: Gives the storage, to read what a run did before it is watched; None: that is not known.
    """

    def __init__(self, settings: Settings, components: Components | None = None) -> None:
        self._settings = settings
        self._components = components
        self._queue = SpanQueue(Delivery(settings), settings.queue_size, settings.batch_size)
        self._families: dict[str, Family] = {}
        self._told = 0

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make it as ``[plugins.otel]`` and the environment say."""
        return cls(settings_of(context), context.components)

    @property
    def counts(self) -> Counts:
        """What became of the spans so far."""
        return self._queue.counts

    def enabled(self) -> bool:
        """Watch, unless OpenTelemetry is switched off."""
        return not is_disabled(os.environ)

    async def on_event(self, event: TraceEvent) -> None:
        """Take one event, and queue the spans that end by it."""
        family = self._families.get(event.run_id)
        if family is None:
            family = await self._begin(event)
            if family is None:
                return
        items = family.take(event)
        if event.run_id == family.root and event.event_type.value in _RESTS:
            items += family.release()
            for run_id in [run_id for run_id, known in self._families.items() if known is family]:
                del self._families[run_id]
        self._queue.put(items)

    async def close(self) -> None:
        """A run has ended or rests: wait a little for what is not sent yet."""
        left = await self._queue.flush(self._settings.flush_seconds)
        lost = self.counts.lost - self._told
        if left or lost:
            self._told += lost
            get_logger("loopengt.otel").warning(
                "not all spans have reached the receiver",
                lost=lost,
                under_way=left,
                remedy="Send the run again: loopengt export RUN --to otel",
            )

    async def _begin(self, event: TraceEvent) -> Family | None:
        """Find the family of a run that is new to us; None: it is at rest, and this tells nothing of it."""
        kind = event.event_type.value
        if kind not in ("loop.start", "loop.resume"):
            return None
        parent = event.data.get("parent")
        family = self._families.get(parent) if isinstance(parent, str) else None
        if family is None and parent:
            return None
        if family is None:
            family = Family(event.run_id, texts_of(self._settings))
            if kind == "loop.resume" and self._components is not None:
                past = await read_past(self._components, family, event)
                for run_id in family.runs:
                    self._families[run_id] = family
                if event.data.get("forked_from"):  # what it shares with the other run is new to this trace
                    self._queue.put(past)
        self._families[event.run_id] = family
        return family
