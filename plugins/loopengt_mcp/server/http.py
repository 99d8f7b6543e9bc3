"""The door to a server over HTTP: on this machine only unless told otherwise, to known hosts, with the token."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse, PlainTextResponse

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PATH", "Gate", "bind", "http_app", "is_loopback"]

PATH = "/mcp"
MOST_BYTES = 4 * 1024 * 1024
"""Largest body of a request."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """Bind a socket, so that an address that is taken is known before anything else is done.

    Args:
        host: A name or address of this machine.
        port: 0: a free one.

    Raises:
        UsageError: It cannot be bound.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise UsageError(f"--host {host}: {exc.strerror or exc}") from exc
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)
    except OSError as exc:
        bound.close()
        raise UsageError(
            f"cannot listen at {host}:{port}: {exc.strerror}",
            remedy="Give another port, or --port 0 for one that is free.",
        ) from exc
    return bound


def http_app(server: MCPServer[Any], *, host: str, token: str | None, names: Sequence[str] = ()) -> Gate:
    """Make the application.

    Args:
        server: The server.
        host: Address that it is bound to.
        token: What requests have to bring as bearer token; None: nothing.
        names: Further names under which clients may reach it, with or without a port.
    """
    known = list(dict.fromkeys([*_LOOPBACK, *_own_name(host), *names]))
    hosts = [part for name in known for part in (name, f"{name}:*")]
    origins = [f"{scheme}://{part}" for scheme in ("http", "https") for part in hosts]
    settings = TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        host=host,
        max_request_body_size=MOST_BYTES,
        transport_security=settings,
    )
    return Gate(app, token=token, hosts=hosts, origins=origins)


class Gate:
    """Stands before the application: whom it does not know gets no further.

    Args:
        app: The application.
        token: The bearer token; None: none is needed.
        hosts: Known values of the header Host, ``NAME:*`` for any port: a page that a name is rebound for has another.
        origins: The like for Origin, which pages of the web send.
    """

    def __init__(
        self, app: ASGIApp, *, token: str | None, hosts: Sequence[str], origins: Sequence[str]
    ) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._hosts = hosts
        self._origins = origins
        self._closed = False
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        refusal = self._refusal(headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._answer(scope, receive, send)

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True

    async def end(self, seconds: float) -> None:
        """Let nobody in, wait so many seconds for the answers that are under way, and break the others off."""
        self.close()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered; an answer that is broken off is ended as one that was given."""
        sent: list[str] = []

        async def noting(message: Message) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            sent.append("whole" if last else message["type"])
            del sent[:-1]
            await send(message)

        task = asyncio.ensure_future(self._app(scope, receive, noting))
        self._under_way.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._under_way.discard(task)
            task.cancel()
        if not (task.cancelled() and self._closed):
            task.result()
        elif not sent:
            await _ENDING(scope, receive, send)
        elif sent != ["whole"]:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _refusal(self, headers: dict[bytes, list[bytes]]) -> ASGIApp | None:
        hosts, origins = headers.get(b"host", []), headers.get(b"origin", [])
        if self._closed:
            return _ENDING
        if len(hosts) != 1 or not _known(hosts[0], self._hosts):
            return PlainTextResponse(
                "this server is not known under that name (--allow-host)", status_code=421
            )
        if any(not _known(origin, self._origins) for origin in origins):
            return PlainTextResponse("pages of that origin may not call this server", status_code=403)
        if self._token is not None and not self._has_token(headers.get(b"authorization", [])):
            error = {"error": "invalid_token", "error_description": "the bearer token is missing or wrong"}
            challenge = 'Bearer realm="loopengt", error="invalid_token"'
            return JSONResponse(error, status_code=401, headers={"WWW-Authenticate": challenge})
        lengths = headers.get(b"content-length", [])
        if lengths and lengths[0].isdigit() and (len(lengths[0]) > 12 or int(lengths[0]) > MOST_BYTES):
            return PlainTextResponse("the body of a request may have 4 MB", status_code=413)
        return None

    def _has_token(self, given: list[bytes]) -> bool:
        if len(given) != 1 or self._token is None:
            return False
        scheme, _, token = given[0].partition(b" ")
        return hmac.compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer"


_ENDING = PlainTextResponse("the server is ending", status_code=503)


def _known(value: bytes, known: Sequence[str]) -> bool:
    text = value.decode("latin-1").lower()
    for each in known:
        name = each.lower()
        if text == name:
            return True
        # What follows the colon has to be a port: evil.example could else begin with a known name.
        if name.endswith(":*") and text.startswith(name[:-1]) and text[len(name) - 1 :].isdigit():
            return True
    return False


def _own_name(host: str) -> list[str]:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [host]
    if address.is_unspecified:
        return []
    return [f"[{host}]" if address.version == 6 else host]
