"""Failed requests: each kind of failure by its name, once, and without the key."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from loopengt.testing import FakeOpenAI
from loopengt_hookspecs.errors import AgentError, RateLimited

Bench = Any
Make = Callable[..., Any]
KEY = "sk-test-0123456789"
RETRIED = {"TimeoutError", "ConnectionError"}
PROVIDERS = [("openai", "gpt-4o"), ("openai-compatible", "m1"), ("openrouter", "openai/gpt-4o")]


async def failure(one: Any, request: Any) -> AgentError:
    """Return the error of a request that fails."""
    with pytest.raises(AgentError) as caught:
        await one.request(request)
    return caught.value


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("provider", "name"), PROVIDERS)
@pytest.mark.parametrize(
    ("answer", "kind", "retried"),
    [
        ({"error": "rate_limited", "retry_after": 2}, "RateLimited", True),
        ({"error": "quota_exhausted", "retry_after": 2}, "QuotaExceeded", False),
        ({"error": "server_error"}, "ServerError", True),
        ({"error": "server_error", "status": 502, "body": "<html>"}, "ServerError", True),
        ({"error": "unavailable"}, "OverloadedError", True),
        ({"error": "unauthorized"}, "AuthenticationError", False),
        ({"error": "unauthorized", "status": 403}, "AuthenticationError", False),
        ({"error": "model_not_found"}, "ModelNotFound", False),
        ({"error": "context_window"}, "ContextWindowExceeded", False),
        ({"error": "bad_request"}, "RequestRejected", False),
        ({"error": "bad_json"}, "InvalidResponse", True),
        ({"body": '{"fine": true}'}, "InvalidResponse", True),
        ({"error": "hang_up"}, "ConnectionError", True),
        ({"text": "one two three", "cut": "connection"}, "ConnectionError", True),
    ],
)
async def test_each_failure_has_its_kind(
    server: FakeOpenAI,
    model: Make,
    bench: Bench,
    provider: str,
    name: str,
    answer: dict[str, Any],
    kind: str,
    retried: bool,
    stream: bool,
) -> None:
    """A failure is sent once, says its kind, whether the default policy tries again, and who failed."""
    one = model(provider, name=name)
    server.answer(**answer)
    error = await failure(one, bench.ask(on_text=(lambda text: None) if stream else None))
    assert error.kind == kind
    assert bool({error.kind, *error.kinds} & RETRIED) == retried
    assert isinstance(error, RateLimited) == (kind == "RateLimited")
    assert error.message.startswith(f"{provider}:{name} at 127.0.0.1:")
    assert len(server.requests) == 1


async def test_half_a_stream_is_no_answer(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """A stream that ends early as if whole is a failure that may be tried again; the next request succeeds."""
    one = model()
    pieces: list[str] = []
    server.answer("one two three", cut="stream", cut_after=2)
    server.answer(tool_calls=[{"name": "add", "arguments": {"x": 1}}], cut="stream", cut_after=2)
    for _ in range(2):
        error = await failure(one, bench.ask(tools=[bench.add], on_text=pieces.append))
        assert (error.kind, "stream to false" in error.remedy) == ("ConnectionError", True)
    assert pieces == ["one ", "two "]
    server.answer("fine")
    assert (await one.request(bench.ask(on_text=pieces.append))).text == "fine"


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        ({"retry_after": 7}, 7, 7),
        ({"retry_after": 1.5}, 1.5, 1.5),
        ({"retry_after": 0}, 0, 0),
        ({"retry_after_date": 30}, 20, 30),
        ({"retry_after_date": -30}, 0, 0),
        ({"headers": {"retry-after-ms": "250"}}, 0.25, 0.25),
        ({"headers": {"x-ratelimit-reset-requests": "6m0s"}}, 360, 360),
        ({"headers": {"x-ratelimit-reset-tokens": "20ms"}}, 0.02, 0.02),
        (
            {
                "headers": {
                    "x-ratelimit-reset-requests": "1h",
                    "x-ratelimit-remaining-requests": "7",
                    "x-ratelimit-reset-tokens": "1m1.5s",
                    "x-ratelimit-remaining-tokens": "0",
                }
            },
            61.5,
            61.5,
        ),
    ],
)
async def test_the_wait_is_read_from_the_headers(
    server: FakeOpenAI, model: Make, bench: Bench, answer: dict[str, Any], least: float, most: float
) -> None:
    """Seconds, a date, milliseconds or the reset of the limit that is used up say how long to wait."""
    server.answer(error="rate_limited", **answer)
    wait = (await failure(model(), bench.ask())).retry_after
    assert wait is not None and least <= wait <= most


@pytest.mark.parametrize("header", ["soon", "-3", "nan", "inf", "6 minutes"])
async def test_a_wait_that_cannot_be_read_is_none(
    server: FakeOpenAI, model: Make, bench: Bench, header: str
) -> None:
    """Nonsense in the header is no wait: the error is then one like any other."""
    server.answer(error="rate_limited", headers={"retry-after": header, "x-ratelimit-reset-tokens": header})
    error = await failure(model(), bench.ask())
    assert (error.retry_after, error.kind) == (None, "RateLimited")


@pytest.mark.parametrize("status", [401, 429, 500, 400])
async def test_a_key_that_is_echoed_is_taken_out(
    server: FakeOpenAI, model: Make, bench: Bench, status: int
) -> None:
    """Neither the key nor a header's value is in the error or in its printed traceback."""
    server.answer(error="unauthorized", status=status, message="Wrong {key}, or team blue-team-secret")
    error = await failure(model(headers={"X-Team": "blue-team-secret"}), bench.ask())
    printed = "".join(traceback.format_exception(error)) + repr(error)
    assert KEY not in printed and "blue-team-secret" not in printed
    assert error.message.count("[redacted]") == 2


async def test_a_password_in_the_url_is_taken_out(server: FakeOpenAI, bench: Bench) -> None:
    """The place is named in the error, the password in it is not."""
    server.answer(error="bad_request", message="proxy:pass-word-1 is wrong")
    url = server.url.replace("http://", "http://proxy:pass-word-1@")
    error = await failure(bench.model(url), bench.ask())
    assert "pass-word-1" not in str(error) and "127.0.0.1" in str(error)


async def test_a_slow_answer_is_given_up(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """After timeout_seconds the request fails with TimeoutError, and the connection is given back."""
    one = model(timeout_seconds=0.3)
    server.answer("late", delay_seconds=60)
    error = await failure(one, bench.ask())
    assert (error.kind, "0.3 s" in error.message) == ("TimeoutError", True)
    server.answer("fine")
    assert (await one.request(bench.ask())).text == "fine"


@pytest.mark.slow
async def test_a_cancelled_request_is_cancelled(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """Cancelling ends the request at once, even the first, and leaves the model of use to others."""
    one = model()
    server.answer("late", delay_seconds=60)
    task = asyncio.ensure_future(one.request(bench.ask()))
    await asyncio.to_thread(server.wait_for_requests, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.answer("fine")
    assert (await one.request(bench.ask())).text == "fine"


async def test_a_refused_connection_says_so(server: FakeOpenAI, bench: Bench) -> None:
    """A service that is not there is a ConnectionError that names the place."""
    server.close()
    error = await failure(bench.model(server.url), bench.ask())
    assert error.kind == "ConnectionError"
    assert server.url.split("/")[2] in error.message
