"""The exporter ``slack``: what is posted, how often it is tried, and what is said when it does not go through."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from loopengt.testing import RecordingObserver, ScriptedAgent, make_kernel, run_loop
from loopengt.testing.fake_http import Exchange
from loopengt_hookspecs.errors import ExportError

from loopengt_exporter_slack import plugin
from loopengt_exporter_slack.options import SlackOptions
from loopengt_exporter_slack.sender import SlackSender

from .slack_kit import SECRET, VARIABLE, FakeSlack, slack, texts_of


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other quickly."""
    monkeypatch.setattr("loopengt_exporter_slack.webhook.PAUSE", 0.05)


async def recorded(project: Path, *answers: Any) -> tuple[Any, Any]:
    """Run a loop; return state and events."""
    watched = RecordingObserver()
    kernel = make_kernel(project, agents=ScriptedAgent(*answers or ("done",)))
    result = await run_loop(kernel, observers=[watched])
    return result.snapshot(), watched.events


async def send(
    project: Path, service: FakeSlack | str, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> str:
    """Send a run to a service."""
    monkeypatch.setenv(VARIABLE, service if isinstance(service, str) else service.url)
    state, events = await recorded(project)
    return await SlackSender(SlackOptions(**options), project).send(state, events)


async def refused(
    project: Path, service: Any, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> ExportError:
    """Send a run that does not go through; the error never has a part of the address that is secret."""
    with pytest.raises(ExportError) as caught:
        await send(project, service, monkeypatch, **options)
    chain: BaseException | None = caught.value
    while chain is not None:
        for part in SECRET.split("/"):
            assert part not in str(chain)
        chain = chain.__cause__
    return caught.value


async def test_a_kernel_tells_slack_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the kernel, as ``loopengt export`` does: the message has loop, outcome and counts."""
    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        kernel = make_kernel(tmp_path, plugins=[("exporter_slack", plugin)])
        state, events = await recorded(tmp_path)
        said = await kernel.get("exporters", "slack").send(state, events)
    assert said == f"Told Slack, 127.0.0.1, of run {state.run_id}: goal met."
    texts = [text for _, text in texts_of(service.messages[0])]
    assert texts[0].endswith("demo: goal met")
    assert "*Steps* 1 of 1" in texts


async def test_why_a_run_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of a run that failed says why; with include_details off it does not."""
    state, events = await recorded(tmp_path, ValueError("the disk is on fire"))
    for include, number in ((True, 1), (False, 0)):
        with slack() as service:
            monkeypatch.setenv(VARIABLE, service.url)
            await SlackSender(SlackOptions(include_details=include), tmp_path).send(state, events)
        assert str(service.messages).count("the disk is on fire") == number


async def test_the_same_message_is_sent_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process knows what was sent, and says so; a run that has changed is told anew."""
    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        state, events = await recorded(tmp_path)
        await SlackSender(SlackOptions(), tmp_path).send(state, events)
        assert "nothing was sent" in await SlackSender(SlackOptions(), tmp_path).send(state, events)
        changed = state.model_copy(update={"turn": 99})
        await SlackSender(SlackOptions(), tmp_path).send(changed, events)
    assert len(service.messages) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b"7", b'{"a": 1}', b"[1, null]", b"\xff", b"[" * 100_000])
async def test_a_damaged_memory_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    """What the file of sent messages holds cannot keep a message from being sent."""
    (tmp_path / ".loopengt").mkdir()
    (tmp_path / ".loopengt" / "slack-sent.json").write_bytes(damage)
    with slack() as service:
        assert "Told Slack" in await send(tmp_path, service, monkeypatch)


async def test_a_memory_that_cannot_be_written_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message was sent, so that is what is said."""
    (tmp_path / ".loopengt").write_text("a file where a folder should be")
    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        (tmp_path / "elsewhere").mkdir()
        state, events = await recorded(tmp_path / "elsewhere")
        assert "Told Slack" in await SlackSender(SlackOptions(), tmp_path).send(state, events)


async def test_it_waits_as_long_as_slack_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 429 with Retry-After the message is sent again, not before the time."""
    with slack((429, "rate_limited", {"Retry-After": "1"})) as service:
        began = time.monotonic()
        await send(tmp_path, service, monkeypatch)
        assert time.monotonic() - began >= 1
    assert len(service.messages) == 1
    assert len(service.http.requests) == 2


async def test_it_does_not_wait_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Slack asks for more patience than is configured, that is said at once."""
    with slack((429, "rate_limited", {"Retry-After": "3600"})) as service:
        began = time.monotonic()
        error = await refused(tmp_path, service, monkeypatch)
        assert time.monotonic() - began < 10
    assert error.message.endswith("was not told to Slack: 127.0.0.1 answers 429: rate_limited")
    assert len(service.http.requests) == 1


@pytest.mark.parametrize("after", ["soon", "-1", "1e9", "", "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_an_odd_retry_after_is_overlooked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """A header that is no number of seconds leaves the usual pause."""
    with slack((429, "rate_limited", {"Retry-After": after})) as service:
        await send(tmp_path, service, monkeypatch)
    assert len(service.messages) == 1


async def test_a_server_error_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two failures of Slack's own are survived; what never ends is said."""
    with slack((500, "rollup_error"), (503, "")) as service:
        await send(tmp_path, service, monkeypatch)
    assert len(service.http.requests) == 3
    with slack(*[(500, "rollup_error")] * 9) as service:
        error = await refused(tmp_path, service, monkeypatch, patience_seconds=1)
    assert "answers 500: rollup_error" in error.message


@pytest.mark.parametrize(
    ("status", "text", "remedy"),
    [
        (404, "no_service", "make a new one"),
        (404, "", f"Look at the address that {VARIABLE} holds."),
        (410, "channel_is_archived", "Unarchive"),
        (403, "action_prohibited", "administrator"),
        (400, "invalid_payload", ""),
    ],
)
async def test_what_slack_refuses_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, text: str, remedy: str
) -> None:
    """A refusal is not tried again; Slack's word for it is told, with what to do."""
    with slack((status, text)) as service:
        error = await refused(tmp_path, service, monkeypatch)
    assert f"answers {status}" in error.message
    assert text in error.message
    assert remedy in error.remedy
    assert len(service.http.requests) == 1


async def test_an_answer_that_repeats_the_address_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy's page about the request, and its address, is in no error."""
    with slack((400, f"<html>no such page: /services/{SECRET}</html>")) as service:
        error = await refused(tmp_path, service, monkeypatch)
    assert error.message.endswith("127.0.0.1 answers 400")


async def test_a_redirect_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message goes nowhere but to the address that was given."""
    with slack() as other, slack((302, "", {"Location": other.url})) as service:
        error = await refused(tmp_path, service, monkeypatch)
    assert "answers 302" in error.message
    assert other.http.requests == []


def _silent(exchange: Exchange) -> None:
    exchange.wait(30)


def _cut(exchange: Exchange) -> None:
    exchange.send(200, b"o", missing=5)


def _gone(exchange: Exchange) -> None:
    exchange.hang_up()


async def test_a_silent_service_takes_no_longer_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that says nothing is given up after the time limit."""
    with slack(*[_silent] * 9) as service:
        began = time.monotonic()
        error = await refused(tmp_path, service, monkeypatch, timeout_seconds=0.3, patience_seconds=0.6)
        assert time.monotonic() - began < 5
    assert "does not answer in time" in error.message


async def test_a_dripping_service_takes_no_longer_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that sends its answer byte by byte never lets a socket wait, and is given up all the same."""

    def drip() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                clients.append(client)
                with suppress(ConnectionError):
                    while not over.wait(0.05):
                        client.sendall(b"H")

    over, clients = threading.Event(), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/{SECRET}"
        began = time.monotonic()
        error = await refused(tmp_path, url, monkeypatch, timeout_seconds=0.3, patience_seconds=0.3)
        assert time.monotonic() - began < 5
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for client in clients:
            client.close()
    assert "does not answer in time" in error.message


@pytest.mark.parametrize(("answer", "requests"), [(_gone, 2), (_cut, 1)], ids=["no answer", "half an answer"])
async def test_a_message_that_was_taken_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, requests: int
) -> None:
    """Without any answer the message is sent again; with the status 200 it was taken, even if its text breaks off."""
    with slack(answer) as service:
        await send(tmp_path, service, monkeypatch)
    assert len(service.http.requests) == requests


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", f"{VARIABLE} is not set"),
        ("  ", f"{VARIABLE} is not set"),
        (f"hooks.slack.com/services/{SECRET}", "not an address"),
        (f"http://hooks.slack.com/services/{SECRET}", "does not begin with https://"),
        (f"file:///{SECRET}", "not an address"),
        (f"ftp://host/{SECRET}", "does not begin with https://"),
        (f"https://host:port/{SECRET}", "not an address"),
        (f"https://host/{SECRET}\r\nX-Header: 1", "not an address"),
        (f"https://hö.example/{SECRET}", "not an address"),
        (f"https://[::1/{SECRET}", "not an address"),
    ],
)
async def test_an_address_that_cannot_be_meant_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    """Without an address, or with one that is not encrypted, nothing is sent; the variable is named, not its value."""
    error = await refused(tmp_path, address, monkeypatch)
    assert words in error.message
    assert "export SLACK_WEBHOOK_URL=" in error.remedy


def test_the_address_cannot_be_written_into_the_config() -> None:
    """url_env takes the name of a variable; an address given in its place is refused, and not repeated."""
    with pytest.raises(ValueError, match="url_env") as caught:
        SlackOptions(url_env=f"https://hooks.slack.com/services/{SECRET}")
    assert "aVerySecretPart" not in str(caught.value)
