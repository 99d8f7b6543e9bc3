"""A server over HTTP: the present generation, the one before, or one that wants a key."""

from __future__ import annotations

import os
import sys
import time

import uvicorn
from mcp.server import MCPServer
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

server = MCPServer("web", version="1", log_level="CRITICAL")


@server.tool()
def pid() -> str:
    """Return the number of the process."""
    return str(os.getpid())


@server.tool()
def slow(seconds: float) -> str:
    """Take some time."""
    time.sleep(seconds)
    return "at last"


@server.resource("note://one", mime_type="text/plain")
def note() -> str:
    """A note."""
    return "first note"


@server.prompt()
def greet(name: str) -> str:
    """Greet somebody."""
    return f"Say hello to {name}."


class Locked:
    """Lets nobody in without the key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the key first."""
        if scope["type"] == "http" and os.environ.get("OLD"):
            asked = Request(scope).headers.get("mcp-protocol-version", "")
            if asked.startswith("2026"):  # as a server that has never heard of it, and keeps sessions
                await PlainTextResponse("no such thing", 404)(scope, receive, send)
                return
        key = os.environ.get("DOOR_KEY")
        if scope["type"] == "http" and key and Request(scope).headers.get("authorization") != f"Bearer {key}":
            await PlainTextResponse(f"not with {Request(scope).headers.get('authorization')}", 401)(
                scope, receive, send
            )
            return
        await self.app(scope, receive, send)


if __name__ == "__main__":
    app = Locked(server.streamable_http_app())
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
