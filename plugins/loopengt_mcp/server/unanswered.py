"""Bounds the requests of one client that are not answered yet: one that never reads must not fill the memory."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

__all__ = ["MOST_UNANSWERED", "LimitedReading", "LimitedWriting", "Unanswered"]

MOST_UNANSWERED = 256
"""Requests that are taken in before their answers are written; more wait in the client's pipe."""


class Unanswered:
    """The ids of the requests of one client that were taken in and not answered."""

    def __init__(self) -> None:
        self._ids: set[Any] = set()
        self._room = asyncio.Event()
        self._room.set()

    async def take_in(self, message: Any) -> None:
        """Count a message that has come; a request waits until there is room."""
        method, known = getattr(message, "method", None), getattr(message, "id", None)
        if method == "notifications/cancelled":  # such a request may never be answered
            params = getattr(message, "params", None)
            self.answer(params.get("requestId") if isinstance(params, dict) else None)
        elif method is not None and known is not None:
            await self._room.wait()
            self._ids.add(known)
            if len(self._ids) >= MOST_UNANSWERED:
                self._room.clear()

    def answer(self, known: Any) -> None:
        """A request is answered; what can be no id is passed over."""
        if isinstance(known, int | str):
            self._ids.discard(known)
        if len(self._ids) < MOST_UNANSWERED:
            self._room.set()


class _Stream:
    """Passes everything on to another stream."""

    def __init__(self, inner: Any, unanswered: Unanswered) -> None:
        self._inner = inner
        self._unanswered = unanswered

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        return await self._inner.__aexit__(kind, error, trace)


class LimitedReading(_Stream):
    """What comes from a client, as fast as it reads its answers."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await self._inner.__anext__()
        await self._unanswered.take_in(getattr(item, "message", None))
        return item

    async def receive(self) -> Any:
        """Return the next message."""
        item = await self._inner.receive()
        await self._unanswered.take_in(getattr(item, "message", None))
        return item


class LimitedWriting(_Stream):
    """What goes to a client."""

    async def send(self, item: Any) -> None:
        """Send a message; returns when it is on its way."""
        await self._inner.send(item)
        message = item.message
        if getattr(message, "method", None) is None:
            self._unanswered.answer(getattr(message, "id", None))
