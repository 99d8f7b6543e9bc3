"""What all tools of one server share: the project, its runs, its loops, and what people have consented to."""

from __future__ import annotations

from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp.server.mcpserver import Context

from loopengt_mcp.host.work import Handed
from loopengt_mcp.server.consent import Consents
from loopengt_mcp.server.loops import Loops
from loopengt_mcp.server.news import News
from loopengt_mcp.server.runs import Runs
from loopengt_mcp.server.states import States

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.server import ServerRequestContext
    from mcp.server.context import CallNext, HandlerResult, ServerMiddleware
    from mcp.server.subscriptions import SubscriptionBus

    from loopengt import Kernel
    from loopengt_mcp.options import McpOptions

__all__ = ["Desk", "current_desk", "desk_of", "seating"]

_current: ContextVar[Desk] = ContextVar("loopengt_mcp_desk")


class Desk:
    """One for each server; all clients of it share it.

    Args:
        kernel: The project.
        options: What clients may do.
        bus: Where clients listen to changes.
    """

    def __init__(self, kernel: Kernel, options: McpOptions, bus: SubscriptionBus) -> None:
        self.kernel = kernel
        self.options = options
        self.news = News(bus)
        self.runs = Runs(kernel, self.news)
        self.states = States(kernel, self.runs)
        self.loops = Loops(kernel)
        self.consents = Consents(kernel, options.allow_run)
        self.handed = Handed()
        self._users = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Desk]:
        """Be at work; when the last user leaves, every run is paused and the storage closed."""
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                with anyio.CancelScope(shield=True):  # whatever ends the server, runs have to come to rest
                    await self.close()

    async def close(self) -> None:
        """Pause every run, and close the storage."""
        try:
            await self.runs.close()
        finally:
            await self.news.close()


def desk_of(ctx: Context) -> Desk:
    """Return the desk of the server that a call has come to."""
    return cast(Desk, ctx.request_context.lifespan_context)


def current_desk() -> Desk:
    """Return the desk of the server whose message is being handled: resources without parameters get no context."""
    return _current.get()


def seating(desk: Desk) -> ServerMiddleware[Any]:
    """Return middleware of a server that lets ``current_desk`` know its desk."""

    async def seat(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        token = _current.set(desk)
        try:
            return await call_next(ctx)
        finally:
            _current.reset(token)

    return seat
