"""Serves over stdin and stdout, until stdin is closed or a signal comes; either way the runs are paused first."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from loopengt_mcp.server.desk import Desk

__all__ = ["serve_stdio"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def serve_stdio(server: MCPServer[Any], desk: Desk) -> None:
    """Serve one client.

    Args:
        server: The server.
        desk: What its tools share.
    """
    loop = asyncio.get_running_loop()
    caught: asyncio.Future[int] = loop.create_future()

    def catch(number: int) -> None:
        if caught.done():  # a second one does not wait for anything
            os._exit(128 + number)
        caught.set_result(number)

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, catch, number)
    serving = asyncio.ensure_future(_run(server))
    waiting: set[asyncio.Future[Any]] = {serving, caught}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if caught.done():
        with suppress(Exception):
            await desk.close()
        # A thread waits for a line of stdin, and nothing ends it but the client: the process must not wait for that.
        os._exit(128 + caught.result())
    for number in _SIGNALS:
        loop.remove_signal_handler(number)
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
