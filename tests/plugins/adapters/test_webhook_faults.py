"""The observer ``webhook`` and services that misbehave: runs end as they would without it, and the log says why."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import ConfigError
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_hookspecs.engines import RunResult

    from .conftest import Desk


class Raw:
    """A service that answers each post with the same bytes, and may take its time over each of them."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        self.pause = 0.0
        self.connections = 0
        self._closed = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/in?token=topsecret99"

    def close(self) -> None:
        """End every connection and thread."""
        self._closed.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listening.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._talk, args=(connection,)))
            self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            for byte in self.answer:
                connection.sendall(bytes([byte]))
                if self.pause and self._closed.wait(self.pause):
                    return


@pytest.fixture
def raw() -> Iterator[Raw]:
    """A service, closed at the end."""
    made = Raw()
    yield made
    made.close()


async def drive(desk: Desk, url: str, **options: Any) -> RunResult:
    """Run a loop of one step, whose end is posted."""
    webhook = {"url": url, "events": ["on_loop_complete"], "retries": 0} | options
    config = {"observers": {"names": ["webhook"]}, "plugins": {"adapters": {"webhook": webhook}}}
    return await run_loop(make_kernel(desk.project, agents=ScriptedAgent("ok"), config=config), loop_spec())


@pytest.mark.slow
async def test_an_answer_byte_by_byte_has_no_more_time(
    desk: Desk, raw: Raw, capfd: pytest.CaptureFixture[str]
) -> None:
    """The time of a post is that of all of it: a service that comes to no end does not keep back what follows."""
    raw.answer, raw.pause = b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000, 0.1
    started = time.monotonic()
    events = ["on_loop_start", "on_loop_complete"]
    run = await drive(desk, raw.url, events=events, timeout_seconds=0.3)
    assert run.end.reason == "goal_met" and raw.connections == 2
    assert time.monotonic() - started < 4
    said = capfd.readouterr().err
    assert said.count("no answer in time") == 2 and "too slow" not in said


@pytest.mark.parametrize(
    ("answer", "says"),
    [(b"", "the connection ended before an answer"), (b"\0\1garbage\r\n\r\n", "its answer is not HTTP")],
)
async def test_what_went_wrong_is_said_in_words(
    desk: Desk, raw: Raw, capfd: pytest.CaptureFixture[str], answer: bytes, says: str
) -> None:
    """The log names the fault and the host, and neither a class of Python nor the address with its key."""
    raw.answer = answer
    assert (await drive(desk, raw.url)).end.reason == "goal_met"
    said = capfd.readouterr().err
    assert says in said and "host=127.0.0.1" in said and "topsecret99" not in said


async def test_nobody_listens(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    """A refused connection is said so, and the run is at its goal."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert (await drive(desk, f"http://127.0.0.1:{port}/")).end.reason == "goal_met"
    assert "Connection refused" in capfd.readouterr().err


@pytest.mark.parametrize("path", ["a b", "ä"])
async def test_an_address_that_must_be_quoted(
    desk: Desk, raw: Raw, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    """A blank or an umlaut in the address is said so at once: no further attempt would change it."""
    started = time.monotonic()
    assert (await drive(desk, f"{raw.url}{path}", retries=5)).end.reason == "goal_met"
    assert time.monotonic() - started < 3 and raw.connections == 0
    assert "must be written as %XX" in capfd.readouterr().err


@pytest.mark.parametrize("url", ["http://u:hunter2@127.0.0.1/", "http://[hunter2", "https:///hunter2"])
async def test_an_address_without_a_host_of_its_own(
    desk: Desk, url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """User names and passwords, and no host, are errors of the config, or switch the observer off; neither shows it."""
    with pytest.raises(ConfigError, match="without user name and password") as caught:
        await drive(desk, url)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("HOOK_URL", url)
    assert (await drive(desk, "", url_env="HOOK_URL")).end.reason == "goal_met"
    said = capfd.readouterr().err
    assert "HOOK_URL" in said and "hunter2" not in said and "Traceback" not in said
