"""The middleware ``log``: one line for each attempt, whatever comes of it, and nothing changed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel
from loopengt.logs import configure
from loopengt_hookspecs.agents import AgentError, AgentReply, AgentRequest
from loopengt_hookspecs.models import AgentRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_hookspecs.middleware import Middleware


@pytest.fixture
def middleware() -> Iterator[Middleware]:
    """The middleware as the installed plugin provides it, with a log that a program can read."""
    configure(form="json", level="info")
    yield Kernel(Path.cwd(), environ={}).get("middleware", "log")
    configure()


@pytest.fixture
def request_() -> AgentRequest:
    """One attempt."""

    async def put_blob(data: bytes) -> str:
        return str(len(data))

    return AgentRequest(
        run_id="run-1",
        loop="loop",
        step="lint",
        occurrence=2,
        attempt=3,
        agent=AgentRole.model_validate({"name": "fixer", "config": {"provider": "command"}}),
        prompt="secret prompt",
        system_prompt="",
        feedback="",
        idempotency_key="run-1/lint/2/3",
        workspace=Path(),
        context={},
        emit=lambda _type, _data: None,
        put_blob=put_blob,
    )


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The log's lines so far."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_an_attempt_that_is_done_is_one_line(
    middleware: Middleware, request_: AgentRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reply comes back as it is, and the line says which attempt, how long, and what it cost."""
    reply = AgentReply("text", token_usage={"prompt_tokens": 5, "completion_tokens": 2}, cost_usd=0.5)

    async def agent(request: AgentRequest) -> AgentReply:
        assert request is request_
        return reply

    assert await middleware(request_, agent) is reply
    (line,) = lines(capsys)
    assert (line["event"], line["level"]) == ("attempt done", "info")
    assert (line["run_id"], line["step"], line["occurrence"], line["attempt"]) == ("run-1", "lint", 2, 3)
    assert (line["agent"], line["provider"]) == ("fixer", "command")
    assert (line["tokens"], line["cost_usd"]) == (7, 0.5)
    assert line["seconds"] >= 0
    assert "secret prompt" not in json.dumps(line)


async def test_a_failed_attempt_is_a_warning_and_stays_failed(
    middleware: Middleware, request_: AgentRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent's error passes through."""

    async def agent(_request: AgentRequest) -> AgentReply:
        raise AgentError("no answer")

    with pytest.raises(AgentError, match="no answer"):
        await middleware(request_, agent)
    (line,) = lines(capsys)
    assert (line["event"], line["level"]) == ("attempt failed", "warning")
    assert line["error"] == "AgentError: no answer"


async def test_a_cancelled_attempt_is_logged_and_stays_cancelled(
    middleware: Middleware, request_: AgentRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cancellation, as by a timeout, passes through."""

    async def agent(_request: AgentRequest) -> AgentReply:
        await asyncio.sleep(60)
        return AgentReply(None)

    task = asyncio.ensure_future(middleware(request_, agent))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (line,) = lines(capsys)
    assert line["event"] == "attempt cancelled"
