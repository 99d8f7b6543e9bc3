"""A server as those see it who make calls: connected on first need, and anew when it has gone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from mcp import MCPError
from mcp.types import CONNECTION_CLOSED, ElicitResult
from pydantic import ValidationError

from loopengt import get_logger
from loopengt_mcp.client.connection import Connection
from loopengt_mcp.client.exchange import Exchange, begin, under_way
from loopengt_mcp.client.failures import CallRefused, CallTimeout, Lost, PeerDown, leaf, words
from loopengt_mcp.client.reading import list_prompts, list_resources

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from mcp import Client
    from mcp.client.session import ClientRequestContext
    from mcp.types import CallToolResult, ElicitRequestParams, Tool

    from loopengt_mcp.client.exchange import Ask
    from loopengt_mcp.client.servers import Server
    from loopengt_mcp.options import McpOptions

T = TypeVar("T")

__all__ = ["Peer"]

MOST_PAGES = 100
"""Pages of a list that are read."""
_MASKED = "Server returned an error response"
"""What the ``mcp`` package says of an HTTP status whose answer it does not read."""
_CANCEL_SECONDS = 2.0
_SILENT_CALLS = 2
"""Calls in a row that got no answer in time, after which the connection is made anew."""


class Peer:
    """A server, connected when it is first needed. Calls may be made at the same time.

    Args:
        server: The server.
        workspace: The folder whose runs it works for; None: all.
        options: The limits.
    """

    def __init__(self, server: Server, workspace: Path | None, options: McpOptions) -> None:
        self.name = server.name
        self._server = server
        self._workspace = workspace
        self._options = options
        self._connecting = asyncio.Lock()
        self._listing = asyncio.Lock()
        self._closed = False
        self._connection: Connection | None = None
        self._tools: list[Tool] = []
        self._under_way: set[Exchange] = set()
        self._silent = 0

    async def connection(self) -> Connection:
        """Return the open connection, made anew when there is none.

        Raises:
            AgentError: The server cannot be reached.
        """
        async with self._connecting:
            if self._connection is not None and not self._connection.open:
                await self._connection.close()
                self._connection = None
            if self._closed:
                raise self._over()
            if self._connection is None:
                target = self._server.target(self._workspace)
                connection = Connection(self.name, target, self._options.connect_seconds, self._on_question)
                await connection.connected()
                self._connection, self._silent = connection, 0
                if self._closed:  # meanwhile
                    await connection.close()
                    raise self._over()
            return self._connection

    async def close(self) -> None:
        """End the connection, for good."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close(reason="the run is over")
            self._connection = None

    async def tools(self, *, known: bool = False) -> list[Tool]:
        """Return the server's tools: read anew unless it says by itself when they change.

        Args:
            known: Whether the tools that were read last will do.

        Raises:
            AgentError: The server cannot be reached, or does not answer.
        """
        if known and self._tools:
            return self._tools
        async with self._listing:
            connection = await self.connection()
            if connection.client.server_capabilities.tools is None:
                return []
            if connection.tools_changed or not connection.announces_tools:
                await self._list_tools(connection)
        return self._tools

    def _over(self) -> PeerDown:
        return PeerDown(f"the connection to the MCP server {self.name!r} was closed: the run is over")

    async def _list_tools(self, connection: Connection) -> None:
        connection.tools_changed = False
        try:
            found = await self.listed(lambda client, cursor: client.list_tools(cursor=cursor), "tools")
        except BaseException:
            connection.tools_changed = True
            raise
        # The same objects as long as they say the same: their schemas are compiled once.
        if found != self._tools:
            self._tools = found

    async def beside(self) -> frozenset[str]:
        """Return which of ``resources`` and ``prompts`` the server has, not only could have.

        Raises:
            AgentError: The server cannot be reached, or does not answer.
        """
        connection = await self.connection()
        if connection.beside is None:
            can = connection.client.server_capabilities
            has_resources = can.resources is not None and bool(await list_resources(self))
            has_prompts = can.prompts is not None and bool(await list_prompts(self))
            names = {"resources": has_resources, "prompts": has_prompts}
            connection.beside = frozenset(name for name, there in names.items() if there)
        return connection.beside

    async def listed(self, read: Callable[[Client, str | None], Awaitable[Any]], kind: str) -> list[Any]:
        """Return all pages of a list: ``read`` is given the cursor, and the page's attribute ``kind`` is taken."""
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self.request(lambda client, at=cursor: read(client, at), repeatable=True)  # type: ignore[misc]
            found += getattr(page, kind)
            cursor = page.next_cursor
            if cursor is None:
                return found
        raise CallRefused(f"the MCP server {self.name!r} lists {kind} on more than {MOST_PAGES} pages")

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        seconds: float | None = None,
        ask: Ask | None = None,
        repeatable: bool = False,
    ) -> CallToolResult:
        """Call a tool. Raises as ``request`` does."""
        return await self.request(
            lambda client: client.call_tool(name, arguments), seconds=seconds, ask=ask, repeatable=repeatable
        )

    async def request(
        self,
        send: Callable[[Client], Awaitable[T]],
        *,
        seconds: float | None = None,
        ask: Ask | None = None,
        repeatable: bool = False,
    ) -> T:
        """Make a request, and wait for its answer.

        Args:
            send: Makes it.
            seconds: Seconds that the answer may take, without the time that a person takes to answer the server's
                questions; None: as configured.
            ask: Asks a person what the server wants to know.
            repeatable: Whether it may be made a second time when the server went away before it answered.

        Raises:
            PeerDown: The server cannot be reached.
            Lost: It went away before it answered.
            CallTimeout: The answer did not come in time.
            CallRefused: The answer is an error, or makes no sense.
        """
        seconds = self._options.call_seconds if seconds is None else seconds
        for last in (False, True):
            connection = await self.connection()
            try:
                return await self._once(connection, send, seconds, ask)
            except _SessionGone as gone:
                await connection.close(reason="it does not know our session any more")
                if last:
                    raise CallRefused(f"the MCP server {self.name!r} refuses: {gone}") from gone
            except Lost:
                if last or not repeatable:
                    raise
        raise AssertionError("the second round returns or raises")

    async def _once(
        self, connection: Connection, send: Callable[[Client], Awaitable[T]], seconds: float, ask: Ask | None
    ) -> T:
        exchange = Exchange(self.name, ask)
        task = asyncio.create_task(self._send(exchange, connection, send))
        self._under_way.add(exchange)
        try:
            answer = await self._answer(connection, task, exchange, seconds)
        finally:
            self._under_way.discard(exchange)
            exchange.close()
            await _abandoned(task)
        connection.settle()
        self._silent = 0
        return answer

    async def _send(
        self, exchange: Exchange, connection: Connection, send: Callable[[Client], Awaitable[T]]
    ) -> T:
        begin(exchange)
        return await send(connection.client)

    async def _answer(
        self, connection: Connection, task: asyncio.Task[T], exchange: Exchange, seconds: float
    ) -> T:
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        while True:
            waiting: set[asyncio.Future[Any]] = {task, connection.owner, exchange.asked}
            await asyncio.wait(
                waiting, timeout=max(0.0, deadline - now()), return_when=asyncio.FIRST_COMPLETED
            )
            if task.done() and not task.cancelled():
                error = task.exception()
                if error is not None:
                    raise await self._translated(connection, error) from error
                return task.result()
            if task.done() or connection.owner.done():
                raise await self._lost(connection)
            if exchange.asked.done():
                began = now()
                await exchange.answer()
                deadline += now() - began
            elif now() >= deadline:
                raise await self._timed_out(connection, seconds)

    async def _lost(self, connection: Connection, error: BaseException | None = None) -> Lost:
        await connection.close()
        why = connection.why() if error is None else connection.notes.why(error)
        return Lost(
            f"the MCP server {self.name!r} went away in the midst of the call, which may or may not have been done: "
            f"{why}"
        )

    async def _timed_out(self, connection: Connection, seconds: float) -> CallTimeout:
        self._silent += 1
        if self._silent >= _SILENT_CALLS:
            await connection.close(reason="it does not answer")
        return CallTimeout(
            f"the MCP server {self.name!r} did not answer within {seconds:g} seconds; the call was cancelled, and may "
            "or may not have been done",
            kind="TimeoutError",
        )

    async def _translated(self, connection: Connection, error: BaseException) -> Exception:
        inner = leaf(error)
        if isinstance(inner, MCPError):
            said = inner.error.message
            if connection.notes.refuses_session and (said == _MASKED or "session" in said.lower()):
                return _SessionGone(said)
            closed = connection.over_http or not connection.open
            if inner.error.code == CONNECTION_CLOSED and closed:
                return await self._lost(connection, inner)
            return CallRefused(
                f"the MCP server {self.name!r} refuses: {inner.error.message} ({inner.error.code})"
            )
        if isinstance(inner, ValidationError):
            return CallRefused(f"the MCP server {self.name!r} gave an invalid answer: {_violations(inner)}")
        if isinstance(inner, RuntimeError | ValueError | TypeError | KeyError):
            return CallRefused(
                f"the MCP server {self.name!r} gave an answer that cannot be used: {words(inner)}"
            )
        return await self._lost(connection, inner)

    async def _on_question(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        exchange = under_way(self._under_way)
        if exchange is None or not exchange.can_ask:
            why = "nobody is there to ask" if exchange else f"{len(self._under_way)} calls are under way"
            get_logger("loopengt.mcp").warning("question of an MCP server refused", server=self.name, why=why)
            return ElicitResult(action="decline")
        return await exchange.put(params)


class _SessionGone(Exception):
    """The server has forgotten the session: nothing was done, and a new connection mends it."""


def _violations(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, problem['loc'])) or 'the whole'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:3]
    ]
    return "; ".join(found)


async def _abandoned(task: asyncio.Task[Any]) -> None:
    """Cancel a request that nobody waits for any more; the server is told, if it listens."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
    if not task.done():
        task.add_done_callback(_seen)
        return
    _seen(task)


def _seen(task: asyncio.Task[Any]) -> None:
    """Look at how a task ended, so that asyncio does not complain of an error that nobody saw."""
    with suppress(asyncio.CancelledError):
        task.exception()
