"""Requests to Anthropic, in its own wire format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopengt_hookspecs.errors import AgentError, RateLimited
from loopengt_hookspecs.model_adapters import Message, ModelResponse, ToolRequest

Bench = Any
Wire = Any
KEY = "sk-test-0123456789"
USAGE = {
    "input_tokens": 5,
    "output_tokens": 6,
    "cache_read_input_tokens": 2,
    "cache_creation_input_tokens": 1,
}
CONTENT = [
    {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"},
    {"type": "text", "text": "Adding."},
    {"type": "tool_use", "id": "t1", "name": "add", "input": {"x": 1}},
]


def answer(content: list[Any], reason: str = "end_turn") -> dict[str, Any]:
    """Return a message of Anthropic's."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x-1",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": USAGE,
    }


def stream(*texts: str, reason: str | None = "end_turn") -> list[dict[str, Any]]:
    """Return the events of a streamed message; without a reason, those of half a message."""
    start = answer([]) | {"stop_reason": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    for text in texts:
        delta = {"type": "text_delta", "text": text}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    if reason is not None:
        end = {"stop_reason": reason, "stop_sequence": None}
        events += [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": USAGE},
            {"type": "message_stop"},
        ]
    return events


@pytest.fixture
def claude(bench: Bench, wire: Wire) -> Any:
    """A model of Anthropic's."""
    return bench.model(wire.url, "anthropic", "claude-sonnet-9")


@pytest.mark.slow
async def test_text_tools_and_signatures(claude: Any, bench: Bench, wire: Wire) -> None:
    """Key, model and tools arrive; a signed thought goes through the journal and back unchanged."""
    wire.answer(answer(CONTENT, "tool_use"))
    request = bench.ask(
        Message("system", "Be brief."), "add", tools=[bench.add], max_tokens=99, temperature=0.5
    )
    first = await claude.request(request)
    assert (first.text, first.finish_reason, first.model) == ("Adding.", "tool_call", "claude-x-1")
    assert first.tool_requests == (ToolRequest("t1", "add", {"x": 1}),)
    assert first.token_usage == {
        "prompt_tokens": 8,
        "completion_tokens": 6,
        "cached_tokens": 2,
        "cache_write_tokens": 1,
    }
    kept = ModelResponse.from_data(json.loads(json.dumps(first.to_data())))
    assert kept == first
    wire.answer(answer([{"type": "text", "text": "2"}]))
    told = Message("tool", "broken", call_id="t1", name="add", is_error=True)
    last = await claude.request(bench.ask("add", kept.message(), told, tools=[bench.add]))
    assert (last.text, last.finish_reason) == ("2", "stop")
    sent, again = wire.requests
    assert sent.path.startswith("/v1/messages")
    # Which of the two it is has changed between versions of Anthropic's client.
    assert {sent.headers.get("x-api-key"), sent.headers.get("authorization")} & {KEY, f"Bearer {KEY}"}
    assert {"model": "claude-sonnet-9", "max_tokens": 99, "temperature": 0.5}.items() <= sent.body.items()
    assert "Be brief." in json.dumps(sent.body["system"])
    assert sent.body["tools"][0]["name"] == "add"
    asked, said, result = again.body["messages"]
    assert [block["type"] for block in said["content"]] == ["thinking", "text", "tool_use"]
    assert said["content"][0]["signature"] == "c2lnbmVk"
    assert result["content"][0]["tool_use_id"] == "t1" and result["content"][0]["is_error"] is True
    assert asked["role"] == "user"


@pytest.mark.slow
async def test_a_stream_and_half_a_stream(claude: Any, bench: Bench, wire: Wire) -> None:
    """A whole stream is an answer with its usage, one without its end a failure that may be tried again."""
    pieces: list[str] = []
    wire.answer(stream("one ", "two"))
    response = await claude.request(bench.ask(on_text=pieces.append))
    assert (response.text, pieces, response.finish_reason) == ("one two", ["one ", "two"], "stop")
    assert response.token_usage["completion_tokens"] == 6
    wire.answer(stream("one ", reason=None))
    with pytest.raises(AgentError) as caught:
        await claude.request(bench.ask(on_text=pieces.append))
    assert "ConnectionError" in {caught.value.kind, *caught.value.kinds}


@pytest.mark.parametrize(
    ("status", "kind", "ours"),
    [
        (429, "rate_limit_error", "RateLimited"),
        (401, "authentication_error", "AuthenticationError"),
        (404, "not_found_error", "ModelNotFound"),
        (529, "overloaded_error", "OverloadedError"),
        (500, "api_error", "ServerError"),
        (400, "invalid_request_error", "RequestRejected"),
    ],
)
async def test_failures(claude: Any, bench: Bench, wire: Wire, status: int, kind: str, ours: str) -> None:
    """A failure is sent once, classified, and holds no key."""
    error = {"type": "error", "error": {"type": kind, "message": f"no, {KEY}"}}
    wire.answer(error, status, retry_after="3")
    with pytest.raises(AgentError) as caught:
        await claude.request(bench.ask())
    assert (caught.value.kind, len(wire.requests)) == (ours, 1)
    assert "no, [redacted]" in caught.value.message
    assert not isinstance(caught.value, RateLimited) or caught.value.retry_after == 3
