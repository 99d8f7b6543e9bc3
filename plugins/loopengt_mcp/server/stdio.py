"""Serves over stdin and stdout, until stdin is closed or a signal comes; either way the runs are paused first."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt_mcp.server.signals import Signals

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from loopengt_mcp.server.desk import Desk

__all__ = ["serve_stdio"]


async def serve_stdio(server: MCPServer[Any], desk: Desk) -> None:
    """Serve one client.

    Args:
        server: The server.
        desk: What its tools share.
    """
    with Signals() as signals:
        serving = asyncio.ensure_future(_run(server))
        number = await signals.wait_beside(serving)
        if number:
            with suppress(Exception):
                await desk.close()
            # A thread waits for a line of stdin, and nothing ends it but the client: that must not keep the process.
            os._exit(128 + number)
    await serving


async def _run(server: MCPServer[Any]) -> None:
    """Do as ``run_stdio_async`` does, within a limit of requests that are not answered."""
    from mcp.server.stdio import stdio_server

    from loopengt_mcp.server.unanswered import LimitedReading, LimitedWriting, Unanswered

    lowlevel = server._lowlevel_server  # there is no public way to give a server its streams
    unanswered = Unanswered()
    async with stdio_server() as (reading, writing):
        await lowlevel.run(
            LimitedReading(reading, unanswered),
            LimitedWriting(writing, unanswered),
            lowlevel.create_initialization_options(),
        )
