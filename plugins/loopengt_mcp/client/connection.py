"""An open connection to a server, held by a task of its own."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from mcp import Client
from mcp.types import (
    Implementation,
    PromptListChangedNotification,
    ResourceListChangedNotification,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from loopengt import __version__
from loopengt_hookspecs.errors import AgentError
from loopengt_mcp.client.failures import Notes, PeerDown, leaf
from loopengt_mcp.client.http import address_streams
from loopengt_mcp.client.servers import Program
from loopengt_mcp.client.stdio import program_streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.client._transport import TransportStreams
    from mcp.client.session import ClientRequestContext, ElicitationFnT, IncomingMessage
    from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, ErrorData

    from loopengt_mcp.client.servers import Address

__all__ = ["CHATTER", "Connection"]

CHATTER = 20_000
"""Messages that nobody asked for, between two answers, after which a server is ended."""
CLOSE_SECONDS = 8.0
"""Seconds that closing a connection may take before it is dropped."""

for _name in ("mcp", "client"):
    # The package logs what it then raises, too; without a handler Python would print it to standard error.
    logging.getLogger(_name).addHandler(logging.NullHandler())


async def _left_to_us(name: str, result: CallToolResult) -> None:
    """Check nothing. The package would use regular expressions of the server that can take for ever, and block all
    that runs in this process meanwhile; ``Reader.tool_result`` checks results in bounded time.
    """


class Connection:
    """A connection. It lives in a task of its own, since the ``mcp`` package cancels the task that holds a connection
    whose server has died: nobody who makes a call must take that for a cancellation of the call.

    Args:
        name: The server's name, for messages.
        target: What to start or to call.
        connect_seconds: Seconds that connecting may take.
        on_question: Answers what the server asks.
    """

    def __init__(
        self, name: str, target: Program | Address, connect_seconds: float, on_question: ElicitationFnT
    ) -> None:
        self.name = name
        self.notes = Notes()
        self.tools_changed = True
        """Whether the list of tools has to be read anew."""
        self.beside: frozenset[str] | None = None
        """Which of ``resources`` and ``prompts`` the server has; None: nobody has looked."""
        self._target = target
        self._connect_seconds = connect_seconds
        self._on_question = on_question
        self._chatter = 0
        self._client: Client | None = None
        self._error: BaseException | None = None
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.owner: asyncio.Task[None] = asyncio.create_task(self._own(), name=f"mcp {name}")
        """Ends when the connection does."""

    @property
    def open(self) -> bool:
        """Whether calls can be made."""
        return self._client is not None and not self._stop.is_set() and not self.owner.done()

    @property
    def client(self) -> Client:
        """The client; only while it is open."""
        assert self._client is not None
        return self._client

    @property
    def announces_tools(self) -> bool:
        """Whether the server says by itself when its tools have changed."""
        tools = self.client.server_capabilities.tools
        modern = self.client.protocol_version in MODERN_PROTOCOL_VERSIONS  # which tell subscribers only
        return tools is not None and bool(tools.list_changed) and not modern

    @property
    def over_http(self) -> bool:
        """Whether the server is called over HTTP."""
        return not isinstance(self._target, Program)

    async def connected(self) -> None:
        """Wait until it is open.

        Raises:
            AgentError: It cannot be.
        """
        try:
            await asyncio.shield(self._ready)
        except asyncio.CancelledError:
            self.owner.cancel()
            raise

    async def close(self, reason: str = "") -> None:
        """End it, and wait until nothing of it is left."""
        if reason:
            self.notes.blame(reason)
        self._stop.set()
        await asyncio.wait({self.owner}, timeout=CLOSE_SECONDS)
        if not self.owner.done():
            self.owner.cancel()
            await asyncio.wait({self.owner}, timeout=1.0)

    def settle(self) -> None:
        """An answer has come: what the server sends by itself counts anew."""
        self._chatter = 0

    def why(self) -> str:
        """Say in words why it has ended."""
        return self.notes.why(self._error)

    async def _own(self) -> None:
        try:
            with anyio.fail_after(self._connect_seconds) as deadline:
                async with Client(
                    self._streams(),
                    elicitation_callback=self._answer,
                    message_handler=self._hear,
                    client_info=Implementation(name="loopengt", version=__version__),
                    cache=None,
                ) as client:
                    deadline.deadline = math.inf
                    client.session.validate_tool_result = _left_to_us  # type: ignore[method-assign]
                    self._client = client
                    self._ready.set_result(None)
                    await self._stop.wait()
        except BaseException as error:
            self._error = leaf(error)
            if not self._ready.done():
                self._ready.set_exception(self._cannot_connect(self._error))
                self._ready.exception()  # whoever waited may have gone
            task = asyncio.current_task()
            if isinstance(self._error, KeyboardInterrupt | SystemExit) or (task and task.cancelling()):
                raise
        finally:
            self._stop.set()

    @asynccontextmanager
    async def _streams(self) -> AsyncIterator[TransportStreams]:
        if isinstance(self._target, Program):
            async with program_streams(self._target, self.notes, self._stop.set) as streams:
                yield streams
        else:
            async with address_streams(self._target, self.notes, self._connect_seconds) as streams:
                yield streams

    def _cannot_connect(self, error: BaseException) -> AgentError:
        if isinstance(error, AgentError):
            return error
        if isinstance(error, TimeoutError):
            why = f"it did not greet within {self._connect_seconds:g} seconds"
            return PeerDown(
                f"cannot connect to the MCP server {self.name!r}: {self.notes.reason or why}",
                remedy=f"Try it: loopengt mcp tools {self.name}; more time: -o mcp.connect_seconds=60",
                timed_out=True,
            )
        message = f"cannot connect to the MCP server {self.name!r}: {self.notes.why(error)}"
        if self.notes.status in (401, 403):
            return AgentError(
                message, remedy="Check the variable that its auth or headers_env names.", kind="Unauthorized"
            )
        return PeerDown(message, remedy=f"Try it: loopengt mcp tools {self.name}")

    async def _answer(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult | ErrorData:
        self._count()
        return await self._on_question(context, params)

    async def _hear(self, message: IncomingMessage) -> None:
        """Take what the server sends by itself; what is no message at all comes as an exception."""
        self._count()
        if isinstance(message, ToolListChangedNotification):
            self.tools_changed = True
        elif isinstance(message, ResourceListChangedNotification | PromptListChangedNotification):
            self.beside = None

    def _count(self) -> None:
        self._chatter += 1
        if self._chatter > CHATTER:
            self.notes.blame(f"it sent {CHATTER:,} messages that nobody asked for")
            self._stop.set()
