"""A ``loopengt watch`` in a process of its own, and posts to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Bench

    Until = Callable[..., None]


class Watching:
    """A ``loopengt watch`` in a process of its own.

    Args:
        bench: The project.
        wait_until: Waits until something holds.
        words: Further options.
    """

    def __init__(self, bench: Bench, wait_until: Until, *words: str) -> None:
        self.process = bench.start("watch", ".", *words)
        self.until = wait_until
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said something so often."""
        self.until(lambda: self.said.count(words) >= times or self.process.poll() is not None)
        assert self.said.count(words) >= times, self.said

    def ends(self) -> int:
        """Wait for its end, and return the exit code."""
        code = self.process.wait(60)
        self._reader.join(10)
        return code

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once, and close what is open."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def watching(bench: Bench, wait_until: Until) -> Iterator[Callable[..., Watching]]:
    """Start ``loopengt watch`` in the project; what still runs in the end is killed."""
    started: list[Watching] = []

    def start(*words: str) -> Watching:
        started.append(Watching(bench, wait_until, *words))
        started[-1].says("Watching demo: ")
        return started[-1]

    yield start
    bench.go()
    for one in started:
        one.kill()


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
    return number


def post(port: int, until: Until, **event: Any) -> None:
    """Post an occasion, as soon as somebody listens."""
    until(lambda: _post(port, event))


def _post(port: int, event: dict[str, Any]) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/", json.dumps(event), {"Content-Type": "application/json"})
        return connection.getresponse().status == 202
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def webhook(port: int, **config: Any) -> dict[str, Any]:
    """Return the declaration of a webhook."""
    return {"trigger_type": "webhook", "config": {"port": port, **config}}
