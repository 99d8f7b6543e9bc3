"""Brings events to observers without ever holding the run up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from loopengt import get_logger
from loopengt.journal import Tracer
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from loopengt_hookspecs.tracing import Observer

__all__ = ["ObserverHub"]

_Item: TypeAlias = tuple[str, "Event | Sequence[Event]"]
"""A run's id and an event of it, or what had happened in it before it was watched."""

_RESTS = frozenset({"loop.pause", "loop.complete", "loop.error"})

_CLOSE_SECONDS = 5.0
"""How long observers may take over what is left when a run ends."""


class ObserverHub:
    """One queue and one task an observer; an observer that raises is logged and goes on with the next event.

    Args:
        run_id: The run that is watched.
        observers: Those who want to watch.
        past: Events before the watching began, needed for parents and turns; they are not shown.
        leaving: Takes secrets out of an event; None: they are shown as they are.
    """

    def __init__(
        self,
        run_id: str,
        observers: Sequence[Observer],
        past: Sequence[Event] = (),
        *,
        leaving: Callable[[Event], Event] | None = None,
    ) -> None:
        self._observers = [observer for observer in observers if _is_enabled(observer)]
        self._past = past
        self._leaving = leaving
        self._run_id = run_id
        self._queues: list[asyncio.Queue[_Item | None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def active(self) -> bool:
        """Whether anybody watches."""
        return bool(self._observers)

    def start(self) -> None:
        """Begin to deliver."""
        for observer in self._observers:
            queue: asyncio.Queue[_Item | None] = asyncio.Queue()
            self._queues.append(queue)
            self._tasks.append(asyncio.create_task(self._pump(observer, queue), name="loopengt observer"))

    def publish(self, event: Event) -> None:
        """Hand an event to every observer; returns at once."""
        self._put((self._run_id, event))

    def channel(self, run_id: str, past: Sequence[Event] = ()) -> Callable[[Event], None] | None:
        """Let the observers see a child run, too; return what its events are handed to; None: nobody watches.

        Args:
            run_id: The child run.
            past: As for the hub itself.
        """
        if not self._queues:
            return None
        if past:
            self._put((run_id, past))
        return lambda event: self._put((run_id, event))

    def _put(self, item: _Item) -> None:
        run_id, event = item
        if self._leaving is not None and self._queues and isinstance(event, Event):
            item = (run_id, self._leaving(event))
        for queue in self._queues:
            queue.put_nowait(item)

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

    async def _pump(self, observer: Observer, queue: asyncio.Queue[_Item | None]) -> None:
        tracers = {self._run_id: Tracer(self._run_id)}
        tracers[self._run_id].convert_all(self._past)
        while (item := await queue.get()) is not None:
            run_id, event = item
            tracer = tracers.get(run_id)
            if tracer is None:
                tracer = tracers[run_id] = Tracer(run_id)
            if not isinstance(event, Event):
                tracer.convert_all(event)
                continue
            try:
                await observer.on_event(tracer.convert(event))
            except Exception as exc:
                _complain(observer, exc)
            if event.type in _RESTS and run_id != self._run_id:
                del tracers[run_id]
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
