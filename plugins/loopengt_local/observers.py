"""Brings events to observers without ever holding the run up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from loopengt import get_logger
from loopengt.journal import Tracer
from loopengt_hookspecs.models import Event, TraceEvent

if TYPE_CHECKING:
    from loopengt_hookspecs.tracing import Observer

__all__ = ["ObserverHub"]

_Item: TypeAlias = tuple[str, "Event | Sequence[Event]"]
"""A run's id and an event of it, or what had happened in it before it was watched."""

_RESTS = frozenset({"loop.pause", "loop.complete", "loop.error"})

_CLOSE_SECONDS = 5.0
"""How long observers may take over what is left when a run ends."""

_TOGETHER_SECONDS = 0.02
"""Events that come within so short a time are searched for secrets together, which takes a tenth of the time."""

_MOST_TOGETHER = 256
_IN_ONE_GO = 64
"""Events that are handed over before the run has its turn again."""

_END: Sequence[TraceEvent] = []
"""What ends a queue."""


class ObserverHub:
    """Shows a run's events, without secrets, to observers; one that raises is logged and goes on with the next event.

    Args:
        run_id: The run that is watched.
        observers: Those who want to watch.
        past: Events before the watching began, needed for parents and turns; they are not shown.
        leaving: Takes secrets out of events; None: they are shown as they are.
    """

    def __init__(
        self,
        run_id: str,
        observers: Sequence[Observer],
        past: Sequence[Event] = (),
        *,
        leaving: Callable[[list[Event]], Awaitable[list[Event]]] | None = None,
    ) -> None:
        self._observers = [observer for observer in observers if _is_enabled(observer)]
        self._leaving = leaving
        self._run_id = run_id
        self._pending: list[_Item] = [(run_id, past)] if past else []
        self._tracers: dict[str, Tracer] = {}
        self._wake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._over = False
        self._queues: list[asyncio.Queue[Sequence[TraceEvent]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def active(self) -> bool:
        """Whether anybody watches."""
        return bool(self._observers)

    def start(self) -> None:
        """Begin to deliver."""
        for observer in self._observers:
            queue: asyncio.Queue[Sequence[TraceEvent]] = asyncio.Queue()
            self._queues.append(queue)
            self._tasks.append(asyncio.create_task(_pump(observer, queue), name="loopengt observer"))
        if self._observers:
            self._tasks.append(asyncio.create_task(self._deliver(), name="loopengt observers"))

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
        if not self._queues:
            return
        self._pending.append(item)
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, self._wake.set)

    async def close(self) -> None:
        """Deliver what is left, then close the observers; one that takes too long is left behind."""
        self._over = True
        self._wake.set()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                get_logger("loopengt.local").warning("observers were too slow", count=len(late))
        if self._alarm is not None:
            self._alarm.cancel()

    async def _deliver(self) -> None:
        """Bring what comes to the observers' queues until the run is over."""
        while self._pending or not self._over:
            await self._wake.wait()
            self._alarm = None
            if not self._over:
                self._wake.clear()
            items, self._pending = self._pending, []
            for begin in range(0, len(items), _MOST_TOGETHER):
                await self._show(items[begin : begin + _MOST_TOGETHER])
        for queue in self._queues:
            queue.put_nowait(_END)

    async def _show(self, items: list[_Item]) -> None:
        try:
            items = await self._cleaned(items)
        except Exception as exc:  # what cannot be searched for secrets is not shown
            _lost(exc, len(items))
            return
        for begin in range(0, len(items), _IN_ONE_GO):
            shown = [event for item in items[begin : begin + _IN_ONE_GO] for event in self._converted(item)]
            for queue in self._queues:
                queue.put_nowait(shown)
            await asyncio.sleep(0)

    def _converted(self, item: _Item) -> Sequence[TraceEvent]:
        run_id, event = item
        tracer = self._tracers.get(run_id)
        if tracer is None:
            tracer = self._tracers[run_id] = Tracer(run_id)
        try:
            if not isinstance(event, Event):
                tracer.pass_over(event)
                return ()
            if event.type in _RESTS and run_id != self._run_id:
                del self._tracers[run_id]
            return (tracer.convert(event),)
        except Exception as exc:  # agents and plugins add events, too
            _lost(exc, 1)
            return ()

    async def _cleaned(self, items: list[_Item]) -> list[_Item]:
        if self._leaving is None:
            return items
        cleaned = iter(await self._leaving([event for _, event in items if isinstance(event, Event)]))
        return [(run_id, next(cleaned) if isinstance(event, Event) else event) for run_id, event in items]


async def _pump(observer: Observer, queue: asyncio.Queue[Sequence[TraceEvent]]) -> None:
    while (events := await queue.get()) is not _END:
        for event in events:
            try:
                await observer.on_event(event)
            except Exception as exc:
                _complain(observer, exc)
    try:
        await observer.close()
    except Exception as exc:
        _complain(observer, exc)


def _lost(exc: Exception, count: int) -> None:
    get_logger("loopengt.local").warning("events cannot be shown to observers", count=count, exc_info=exc)


def _is_enabled(observer: Observer) -> bool:
    try:
        return observer.enabled()
    except Exception as exc:
        _complain(observer, exc)
        return False


def _complain(observer: Observer, exc: Exception) -> None:
    get_logger("loopengt.local").warning("observer raised", observer=type(observer).__name__, exc_info=exc)
