"""Receives posts of JSON over HTTP: bounded, guarded, and never run."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from uvicorn import Config, Server

if TYPE_CHECKING:
    import socket

    from starlette.types import Message, Receive, Scope, Send

__all__ = ["Receiver"]

BODY_SECONDS = 10.0
"""How long a body may take to arrive."""
MOST_WAITING = 100
"""Most occasions that nobody has looked at yet."""
_MOST_CONNECTIONS = 64


class _Refused(Exception):
    """A request is answered with an error."""

    def __init__(self, status: int, why: str, **headers: str) -> None:
        self.status = status
        self.why = why
        self.headers = headers


class _Server(Server):
    """Leaves the signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Receiver:
    """Takes JSON objects, and hands them on one after another.

    Args:
        path: The path that is posted to.
        token: What a caller must know; empty: nothing, and then only callers of this machine are listened to.
        most: Most bytes of a body.
    """

    def __init__(self, path: str, token: str, most: int) -> None:
        self._path = path
        self._token = token
        self._most = most
        self._taken: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)
        self._server: _Server | None = None
        self._serving: asyncio.Future[None] | None = None

    def start(self, bound: socket.socket) -> None:
        """Begin to listen on a socket, which is closed in the end."""
        config = Config(
            self._answer,
            interface="asgi3",
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._serving = asyncio.ensure_future(self._server.serve(sockets=[bound]))

    async def next(self) -> dict[str, Any]:
        """Wait for the next object."""
        assert self._serving is not None, "it was started"
        taking = asyncio.ensure_future(self._taken.get())
        try:
            both: list[asyncio.Future[Any]] = [taking, self._serving]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                await self._serving
                raise RuntimeError("the web server has ended")
            return taking.result()
        finally:
            taking.cancel()

    async def close(self) -> None:
        """Stop listening, and end what is being answered."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            with suppress(Exception):
                await self._serving

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            event = await self._read(scope, receive)
            try:
                self._taken.put_nowait(event)
            except asyncio.QueueFull:
                raise _Refused(
                    503, "too many occasions wait; try again later", **{"retry-after": "10"}
                ) from None
        except _Refused as refused:
            await _reply(send, refused.status, {"error": refused.why}, refused.headers)
        else:
            await _reply(send, 202, {"accepted": True}, {})

    async def _read(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        """Return what is posted.

        Raises:
            _Refused: It is not taken.
        """
        headers = {name.decode("latin-1").lower(): value for name, value in scope["headers"]}
        if scope["path"] != self._path:
            raise _Refused(404, "there is nothing here")
        self._check_caller(headers)
        if scope["method"] != "POST":
            raise _Refused(405, "post JSON here", allow="POST")
        kind = headers.get("content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        # Web pages can send other kinds to an address of this machine without its leave.
        if kind != "application/json" and not kind.endswith("+json"):
            raise _Refused(415, "post JSON, with Content-Type: application/json")
        if "content-encoding" in headers:
            raise _Refused(415, "post it without Content-Encoding")
        return _parse(await self._body(headers, receive))

    def _check_caller(self, headers: dict[str, bytes]) -> None:
        if self._token:
            scheme, _, given = headers.get("authorization", b"").partition(b" ")
            right = hmac.compare_digest(given.strip(), self._token.encode())
            if scheme.lower() != b"bearer" or not right:
                raise _Refused(
                    401, "send the token: Authorization: Bearer TOKEN", **{"www-authenticate": "Bearer"}
                )
        elif not _is_here(headers.get("host", b"").decode("latin-1")):
            # A page whose name was made to point here would come from there with its own name.
            raise _Refused(403, "only this machine may post here")

    async def _body(self, headers: dict[str, bytes], receive: Receive) -> bytes:
        length = headers.get("content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._most:
            raise _Refused(413, f"at most {self._most} bytes are taken", connection="close")
        found = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message: Message = await receive()
                    if message["type"] != "http.request":
                        raise _Refused(400, "the connection was closed")
                    found += message.get("body", b"")
                    if len(found) > self._most:
                        raise _Refused(413, f"at most {self._most} bytes are taken", connection="close")
                    if not message.get("more_body", False):
                        return bytes(found)
        except TimeoutError:
            raise _Refused(408, "it took too long to arrive", connection="close") from None


def _is_here(host: str) -> bool:
    """Whether a header names this machine as one does from within."""
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"


def _parse(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body.decode("utf-8"))
        # Neither infinite numbers, nor halves of characters, nor what is nested too deeply to be written again.
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise _Refused(400, "what was posted is not JSON") from None
    if not isinstance(data, dict):
        raise _Refused(400, "post a JSON object: its keys become names under event")
    return data


async def _reply(send: Send, status: int, data: dict[str, Any], headers: dict[str, str]) -> None:
    body = json.dumps(data).encode()
    sent = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    listed = [(name.encode(), value.encode()) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})
