"""Serves over HTTP, until a signal comes; then the runs are paused, and whoever waits is answered, soon and quietly."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from uvicorn import Config, Server

from loopengt_mcp.server.signals import Signals

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.http import Gate

__all__ = ["serve_http"]

_ANSWER_SECONDS = 0.5
"""How long calls may take to be answered once the runs rest, and again once they are broken off."""
_CLOSE_SECONDS = 1
"""How long connections may take to be closed after that."""


class _Server(Server):
    """Leaves the signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_http(app: Gate, bound: socket.socket, desk: Desk) -> None:
    """Serve; does not return, but ends the process, when a signal comes.

    Args:
        app: What answers.
        bound: Where to listen.
        desk: What the server's tools share.
    """
    config = Config(
        app,
        log_level="error",
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
    )
    server = _Server(config)
    with Signals() as signals:
        serving = asyncio.ensure_future(server.serve(sockets=[bound]))
        number = await signals.wait_beside(serving)
        if number:
            with suppress(Exception):
                await _end(server, app, desk, serving)
            # A tool of a plugin may hold a thread for ever: the process must not wait for that.
            os._exit(128 + number)
    await serving


async def _end(server: Server, app: Gate, desk: Desk, serving: asyncio.Future[None]) -> None:
    app.close()
    try:
        await desk.runs.rest()  # whoever waits for a run is answered by that
    finally:
        await app.end(_ANSWER_SECONDS)
        # What is left are clients that do not read, or have not said yet what they want: no word on each of them.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        server.should_exit = True
        await serving
