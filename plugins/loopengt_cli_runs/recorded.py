"""The events of a recorded run, which need little memory however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from loopengt.journal import Tracer, decode_batch, encode_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_hookspecs.models import Event, TraceEvent

__all__ = ["RecordedEvents"]

_READY_BYTES = 4_000_000
"""Events of up to so many bytes are kept as they are asked for, which is quickest; more are made anew each time."""


class RecordedEvents(Sequence["TraceEvent"]):
    """Events of a run and its child runs, in the order of a trace.

    Those of a long run are kept encoded, and made when they are asked for.
    """

    def __init__(self) -> None:
        self._ready: list[TraceEvent] | None = []
        self._parts: list[tuple[str, bytes]] = []
        self._bytes = 0
        self._count = 0

    def add(self, run_id: str, events: list[Event], traced: list[TraceEvent]) -> None:
        """Add the next events.

        Args:
            run_id: Whose they are.
            events: As the journal has them.
            traced: The same, as they are shown.
        """
        payload = encode_batch(events)
        self._parts.append((run_id, payload))
        self._bytes += len(payload)
        self._count += len(events)
        if self._ready is not None:
            self._ready += traced
            if self._bytes > _READY_BYTES:
                self._ready = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[TraceEvent]:
        return iter(self._ready) if self._ready is not None else self._made()

    @overload
    def __getitem__(self, index: int) -> TraceEvent: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TraceEvent]: ...

    def __getitem__(self, index: int | slice) -> TraceEvent | Sequence[TraceEvent]:
        if index == 0 and self._count:
            return next(iter(self))
        if self._ready is None:  # whoever picks single ones pays for all
            self._ready = list(self._made())
        return self._ready[index]

    def _made(self) -> Iterator[TraceEvent]:
        tracers: dict[str, Tracer] = {}
        for run_id, payload in self._parts:
            tracer = tracers.get(run_id)
            if tracer is None:
                tracer = tracers[run_id] = Tracer(run_id)
            for event in decode_batch(payload):
                yield tracer.convert(event)
