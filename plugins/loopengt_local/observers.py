"""Brings events to observers without ever holding the run up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loopengt import get_logger
from loopengt.journal import Tracer

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.tracing import Observer

__all__ = ["ObserverHub"]

_CLOSE_SECONDS = 5.0
"""How long observers may take over what is left when a run ends."""


class ObserverHub:
    """One queue and one task an observer; an observer that raises is logged and goes on with the next event.

    Args:
        run_id: The run that is watched.
        observers: Those who want to watch.
        past: Events before the watching began, needed for parents and turns; they are not shown.
    """

    def __init__(self, run_id: str, observers: Sequence[Observer], past: Sequence[Event] = ()) -> None:
        self._observers = [observer for observer in observers if _is_enabled(observer)]
        self._past = past
        self._run_id = run_id
        self._queues: list[asyncio.Queue[Event | None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def active(self) -> bool:
        """Whether anybody watches."""
        return bool(self._observers)

    def start(self) -> None:
        """Begin to deliver."""
        for observer in self._observers:
            queue: asyncio.Queue[Event | None] = asyncio.Queue()
            self._queues.append(queue)
            self._tasks.append(asyncio.create_task(self._pump(observer, queue), name="loopengt observer"))

    def publish(self, event: Event) -> None:
        """Hand an event to every observer; returns at once."""
        for queue in self._queues:
            queue.put_nowait(event)

    async def close(self) -> None:
        """Deliver what is left, then close the observers; one that takes too long is left behind."""
        for queue in self._queues:
            queue.put_nowait(None)
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                get_logger("loopengt.local").warning("observers were too slow", count=len(late))

    async def _pump(self, observer: Observer, queue: asyncio.Queue[Event | None]) -> None:
        tracer = Tracer(self._run_id)
        tracer.convert_all(self._past)
        while (event := await queue.get()) is not None:
            try:
                await observer.on_event(tracer.convert(event))
            except Exception as exc:
                _complain(observer, exc)
        try:
            await observer.close()
        except Exception as exc:
            _complain(observer, exc)


def _is_enabled(observer: Observer) -> bool:
    try:
        return observer.enabled()
    except Exception as exc:
        _complain(observer, exc)
        return False


def _complain(observer: Observer, exc: Exception) -> None:
    get_logger("loopengt.local").warning("observer raised", observer=type(observer).__name__, exc_info=exc)
