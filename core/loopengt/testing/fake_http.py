"""A small HTTP server over a real socket, on which fakes of services are built."""

from __future__ import annotations

import json
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

__all__ = ["Exchange", "FakeHttp", "FakeRequest"]


@dataclass(frozen=True, slots=True)
class FakeRequest:
    """One request that a fake service has received."""

    method: str
    path: str
    """With its query, as it was sent."""
    headers: Mapping[str, str]
    """By name in lower case."""
    body: Any
    """What its JSON says; the text where it is none; None without a body."""


class Exchange:
    """One request, and the connection on which it is answered."""

    def __init__(self, handler: _Handler, request: FakeRequest) -> None:
        self.request = request
        self._handler = handler
        self._chunked = False

    def wait(self, seconds: float) -> bool:
        """Wait, and return whether the time has passed; False as soon as the client has gone or the server closes."""
        deadline = time.monotonic() + seconds
        closing = self._handler.server.closing
        with selectors.DefaultSelector() as selector:
            selector.register(closing, selectors.EVENT_READ)
            selector.register(self._handler.connection, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                ready = {key.fileobj for key, _ in selector.select(left)}
                if closing in ready:
                    return False
                if self._handler.connection in ready:
                    if self._gone():
                        return False
                    selector.unregister(self._handler.connection)
        return True

    def _gone(self) -> bool:
        try:
            return not self._handler.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def send(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, *, missing: int = 0
    ) -> None:
        """Answer at once.

        Args:
            status: HTTP status.
            body: The body.
            headers: Further headers; default type is JSON.
            missing: Bytes that the answer promises and does not send: the connection is cut instead.
        """
        self._head(status, {"Content-Length": str(len(body) + missing)} | dict(headers or {}))
        self._handler.wfile.write(body)
        if missing:
            self.hang_up()

    def send_json(self, status: int, data: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON data."""
        self.send(status, json.dumps(data).encode(), headers)

    def start_stream(self, headers: Mapping[str, str] | None = None) -> None:
        """Begin an answer of server-sent events, chunk after chunk."""
        self._chunked = True
        common = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        self._head(200, common | dict(headers or {}))
        self._handler.wfile.flush()

    def write(self, data: bytes) -> None:
        """Send one chunk of the stream, now."""
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self._handler.wfile.flush()

    def end_stream(self) -> None:
        """Say that the stream is whole."""
        self._handler.wfile.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        """Cut the connection; what was sent arrives, the rest never does."""
        self._handler.wfile.flush()
        self._handler.close_connection = True

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self._handler.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | dict(headers)).items():
            self._handler.send_header(name, value)
        self._handler.end_headers()


class FakeHttp:
    """Serves ``http://127.0.0.1:PORT`` in threads of its own until it is closed.

    Args:
        respond: Answers one exchange; called in a thread of its connection. What it raises is answered with 500 and
            the error's text.
        port: 0 takes a free one.
    """

    def __init__(self, respond: Callable[[Exchange], None], *, port: int = 0) -> None:
        self.requests: list[FakeRequest] = []
        """Every request so far, in the order in which they came."""
        self.peak = 0
        """Most requests that were in work at the same time."""
        self.connections = 0
        """Connections so far."""
        self._respond = respond
        self._in_work = 0
        self._changed = threading.Condition()
        self._threads: dict[threading.Thread, socket.socket] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.closing, self._close = socket.socketpair()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def wait_for_requests(self, count: int, timeout_seconds: float = 10.0) -> None:
        """Return when so many requests have come; blocks the thread.

        Raises:
            TimeoutError: They did not come in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, timeout_seconds):
                raise TimeoutError(f"{len(self.requests)} of {count} requests came in {timeout_seconds} s")

    def close(self) -> None:
        """Cut every connection and end every thread; again is no error."""
        self._close.close()
        self._acceptor.join()
        with self._changed:
            threads = dict(self._threads)
        for connection in threads.values():
            _cut(connection)
        for thread in threads:
            thread.join()
        self._listener.close()
        self.closing.close()

    def take(self, exchange: Exchange) -> None:
        """Note one exchange and answer it."""
        with self._changed:
            self.requests.append(exchange.request)
            self._in_work += 1
            self.peak = max(self.peak, self._in_work)
            self._changed.notify_all()
        try:
            self._respond(exchange)
        except OSError:
            raise
        except Exception as error:
            exchange.send_json(500, {"error": {"message": f"{type(error).__name__}: {error}"}})
        finally:
            with self._changed:
                self._in_work -= 1

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.closing, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while self.closing not in {key.fileobj for key, _ in selector.select()}:
                connection, address = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection, address), daemon=True)
                with self._changed:
                    self._threads[thread] = connection
                    self.connections += 1
                thread.start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            with suppress(OSError):  # the client went; what it has received is its affair
                _Handler(connection, address, self)
        finally:
            with self._changed:
                self._threads.pop(threading.current_thread(), None)
            _cut(connection)
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    """Reads requests off one connection; the rest is an exchange's."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: FakeHttp  # type: ignore[assignment]  # the base class wants a socketserver, of which it uses nothing

    def __init__(self, connection: socket.socket, address: tuple[str, int], server: FakeHttp) -> None:
        super().__init__(connection, address, server)  # type: ignore[arg-type]  # see above

    def handle_any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = FakeRequest(self.command, self.path, headers, _read(raw))
        self.server.take(Exchange(self, request))

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815  # the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing: what came is in ``requests``."""


def _read(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it may be cut already
        connection.shutdown(socket.SHUT_RDWR)
