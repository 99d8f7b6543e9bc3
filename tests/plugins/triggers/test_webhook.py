"""The trigger ``webhook``: real requests over HTTP, those that are taken and those that are not."""

from __future__ import annotations

import asyncio
import hmac
import http.client
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loopengt.errors import UsageError
from loopengt.redaction import Redactor
from loopengt_hookspecs.models import LoopTrigger
from loopengt_triggers.webhook import WebhookKind, WebhookOptions, WebhookTrigger

TOKEN = "a-token-of-some-length"
JSON = {"Content-Type": "application/json"}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def bound(port: int, **config: Any) -> WebhookTrigger:
    """Return the trigger of a declaration."""
    declared = LoopTrigger(trigger_type="webhook", config={"port": port, **config})
    return WebhookKind().bind(declared, Path())


class Hook:
    """A trigger that listens."""

    def __init__(self, trigger: WebhookTrigger, port: int) -> None:
        self.trigger = trigger
        self.port = port
        self.found: AsyncIterator[Mapping[str, Any]] = trigger.occasions()
        self.coming: asyncio.Future[Any] = asyncio.ensure_future(self._next())

    async def _next(self) -> Any:
        return await anext(self.found)

    async def occasion(self) -> Any:
        """Return the next occasion, and wait for another."""
        event = await asyncio.wait_for(self.coming, 10)
        self.coming = asyncio.ensure_future(self._next())
        return event

    async def send(
        self, body: Any = b"{}", headers: Mapping[str, str] = JSON, method: str = "POST", path: str = "/"
    ) -> int:
        """Send a request, and return the status of the answer."""
        return await asyncio.to_thread(self._send, method, path, body, headers)

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            json.loads(answer.read())
            return answer.status
        finally:
            connection.close()


@asynccontextmanager
async def hooked(**config: Any) -> AsyncIterator[Hook]:
    """Listen, until the test is over."""
    port = free_port()
    trigger = bound(port, **config)
    hook = Hook(trigger, port)
    await asyncio.sleep(0)  # it binds at once, so that whoever connects now is waited for
    try:
        yield hook
    finally:
        hook.coming.cancel()
        await asyncio.wait([hook.coming])
        await trigger.close()


async def test_what_is_posted_is_the_occasion() -> None:
    """Two posts are answered with 202, and become two occasions in their order, as they are."""
    async with hooked(path="/deploys") as hook:
        first = {"ref": "main", "files": ["a", "ü"], "n": 1.5, "none": None}
        assert await hook.send(json.dumps(first).encode(), path="/deploys") == 202
        assert (
            await hook.send(
                b"{}", {"Content-Type": "application/vnd.x+json; charset=utf-8"}, path="/deploys?x=1"
            )
            == 202
        )
        assert await hook.occasion() == first
        assert await hook.occasion() == {}


NESTED = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (404, {"path": "/other"}),
        (404, {"path": "//"}),
        (405, {"method": "GET"}),
        (405, {"method": "OPTIONS"}),
        (415, {"headers": {"Content-Type": "text/plain"}}),
        (415, {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
        (415, {"headers": {}}),
        (415, {"headers": JSON | {"Content-Encoding": "gzip"}}),
        (403, {"headers": JSON | {"Host": "evil.example:80"}}),
        (403, {"headers": JSON | {"Host": "127.0.0.1.evil.example"}}),
        (413, {"body": b'{"a": "' + b"x" * 2_000 + b'"}'}),
        (413, {"body": iter([b'{"a": "', b"x" * 2_000, b'"}']), "headers": JSON | {"Transfer-Encoding": "chunked"}}),
        (400, {"body": b""}),
        (400, {"body": b"{"}),
        (400, {"body": b"[1]"}),
        (400, {"body": b"null"}),
        (400, {"body": b'{"a": NaN}'}),
        (400, {"body": b'{"a": 1e999}'}),
        (400, {"body": b'{"a": "\\ud800"}'}),
        (400, {"body": b'{"a": "\xff"}'}),
    ],
)  # fmt: skip
async def test_what_is_not_sound_is_refused(status: int, request_: dict[str, Any]) -> None:
    """Each is answered with its status, starts nothing, and the next sound post is taken."""
    async with hooked(max_body_bytes=1_000) as hook:
        if request_.get("headers", {}).get("Transfer-Encoding"):
            request_ = request_ | {"headers": JSON}
        assert await hook.send(**request_) == status
        assert not hook.coming.done()
        assert await hook.send(b'{"sound": true}') == 202
        assert await hook.occasion() == {"sound": True}


async def test_nesting_without_end_is_no_json() -> None:
    """A body of a hundred thousand brackets is refused like any other that cannot be read."""
    async with hooked() as hook:
        assert await hook.send(NESTED) == 400
        assert not hook.coming.done()


async def test_the_token_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, or with another, the answer is 401; it is compared in constant time, and no journal will show it."""
    compared = []
    real = hmac.compare_digest

    def noted(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    monkeypatch.setenv("HOOK_PASS", TOKEN)
    async with hooked(token_env="HOOK_PASS") as hook:
        for given in (
            None,
            TOKEN,
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            "Bearer ",
            f"Basic {TOKEN}",
            "Bearer ü",
        ):
            headers = JSON if given is None else {**JSON, "Authorization": given}
            assert await hook.send(headers=headers) == 401
        assert (
            await hook.send(headers={**JSON, "Authorization": f"bearer {TOKEN}", "Host": "ci.example"}) == 202
        )
        assert await hook.occasion() == {}
    assert {other for _, other in compared} == {TOKEN.encode()}
    assert TOKEN not in Redactor([]).text(f"token {TOKEN}")


async def test_a_wrong_path_is_wrong_before_the_token_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is posted to the path is asked for a token, and a method that is not taken tells nobody without it."""
    monkeypatch.setenv("HOOK_PASS", TOKEN)
    async with hooked(token_env="HOOK_PASS") as hook:
        assert await hook.send(path="/x") == 404
        assert await hook.send(method="GET") == 401


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who promises more than is sent gets 408, and the others are answered meanwhile."""
    monkeypatch.setattr("loopengt_triggers.receiving.BODY_SECONDS", 0.3)
    async with hooked() as hook:
        reader, writer = await asyncio.open_connection("127.0.0.1", hook.port)
        head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        writer.write(head.encode())
        assert await hook.send() == 202
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        await writer.wait_closed()
        assert await hook.occasion() == {}


async def test_too_many_that_wait_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody takes the occasions, there is a bound, and the answer says to come again."""
    monkeypatch.setattr("loopengt_triggers.receiving.MOST_WAITING", 2)
    async with hooked() as hook:
        # One is taken by whoever waits.
        answers = [await hook.send(json.dumps({"n": number}).encode()) for number in range(4)]
        assert answers == [202, 202, 202, 503]
        assert [(await hook.occasion())["n"] for _ in range(3)] == [0, 1, 2]


async def test_a_port_that_is_taken_is_named() -> None:
    """Who cannot listen says where and why, and what to write."""
    async with hooked() as hook:
        with pytest.raises(
            UsageError, match=f"cannot listen on 127.0.0.1, port {hook.port}: Address already in use"
        ):
            await anext(bound(hook.port).occasions())


async def test_the_port_is_given_back() -> None:
    """Once it is closed another can listen there."""
    async with hooked() as hook:
        assert await hook.send() == 202
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", hook.port))
    with pytest.raises(ConnectionRefusedError):
        await hook.send()


@pytest.mark.parametrize(
    ("value", "why"), [(None, "is not set"), ("", "is not set"), ("short", "is too short")]
)
async def test_without_its_token_it_does_not_listen(
    monkeypatch: pytest.MonkeyPatch, value: str | None, why: str
) -> None:
    """What is lacking is told beforehand, with the line that mends it, and refused then."""
    monkeypatch.delenv("HOOK_PASS", raising=False)
    if value is not None:
        monkeypatch.setenv("HOOK_PASS", value)
    port = free_port()
    trigger = bound(port, token_env="HOOK_PASS")
    (lacking,) = trigger.missing()
    assert f"HOOK_PASS, which {why}" in lacking.message
    assert "export HOOK_PASS=" in lacking.remedy
    with pytest.raises(UsageError, match=why):
        await anext(trigger.occasions())


def test_the_plan_says_where() -> None:
    """One line names the address and whose token counts, not the token."""
    assert bound(8123).plan() == "POST http://127.0.0.1:8123/"
    assert (
        bound(8123, host="::", path="/x", token_env="T").plan()
        == "POST http://[::]:8123/x, with the token of T"
    )


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "port"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"port": 70_000}, "less than or equal"),
        ({"port": 80, "host": "0.0.0.0"}, "everybody who reaches 0.0.0.0 could start runs"),
        ({"port": 80, "host": "::"}, "everybody"),
        ({"port": 80, "host": "my-machine"}, "everybody"),
        ({"port": 80, "host": "localhost.example.com"}, "everybody"),
        ({"port": 80, "host": "a b", "token_env": "T"}, "is no host"),
        ({"port": 80, "path": "x"}, "pattern"),
        ({"port": 80, "path": "/a b"}, "pattern"),
        ({"port": 80, "token_env": "sk-1234"}, "pattern"),
        ({"port": 80, "max_body_bytes": 10**9}, "less than or equal"),
    ],
)
def test_what_cannot_listen_safely_is_refused(config: dict[str, Any], why: str) -> None:
    """Without a token only this machine may post; the rest has to be sound."""
    with pytest.raises(ValidationError, match=why):
        WebhookOptions.model_validate(config)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_token(host: str) -> None:
    """Each address that only this machine can reach may be listened on without one."""
    assert WebhookOptions(port=80, host=host).token_env is None
