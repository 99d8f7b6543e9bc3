"""Requests to Google's Gemini API, in its own wire format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopengt_hookspecs.errors import AgentError, RateLimited
from loopengt_hookspecs.model_adapters import Message, ModelResponse

Bench = Any
Wire = Any
KEY = "sk-test-0123456789"
USAGE = {
    "promptTokenCount": 5,
    "candidatesTokenCount": 4,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 2,
    "totalTokenCount": 12,
}


def answer(parts: list[Any], reason: str | None = "STOP") -> dict[str, Any]:
    """Return an answer of Gemini's."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if reason is not None:
        candidate["finishReason"] = reason
    return {
        "candidates": [candidate],
        "usageMetadata": USAGE,
        "modelVersion": "gemini-x",
        "responseId": "r1",
    }


@pytest.fixture
def gemini(bench: Bench, wire: Wire) -> Any:
    """A model of Google's."""
    return bench.model(wire.url, "google", "gemini-2.5-flash")


@pytest.mark.slow
async def test_text_tools_and_signatures(gemini: Any, bench: Bench, wire: Wire) -> None:
    """Key, model and tools arrive; a thought's signature goes through the journal and back unchanged."""
    call = {"functionCall": {"name": "add", "args": {"x": 1}}, "thoughtSignature": "c2lnbmVk"}
    wire.answer(answer([{"text": "Adding."}, call]))
    first = await gemini.request(
        bench.ask(
            Message("system", "Be brief."), "add", tools=[bench.add], max_tokens=99, settings={"top_k": 3}
        )
    )
    (wish,) = first.tool_requests
    assert (first.text, wish.name, wish.arguments) == ("Adding.", "add", {"x": 1})
    assert first.token_usage == {
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "cached_tokens": 2,
        "reasoning_tokens": 3,
    }
    kept = ModelResponse.from_data(json.loads(json.dumps(first.to_data())))
    assert kept == first
    wire.answer(answer([{"text": "2"}]))
    told = Message("tool", "2", call_id=wish.call_id, name="add")
    last = await gemini.request(bench.ask("add", kept.message(), told, tools=[bench.add]))
    assert (last.text, last.finish_reason) == ("2", "stop")
    sent, again = wire.requests
    assert sent.path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert sent.headers["x-goog-api-key"] == KEY
    assert sent.body["generationConfig"]["maxOutputTokens"] == 99
    assert "Be brief." in json.dumps(sent.body["systemInstruction"])
    assert sent.body["tools"][0]["functionDeclarations"][0]["name"] == "add"
    said, result = again.body["contents"][1:]
    assert "c2lnbmVk" in json.dumps(said) and said["role"] == "model"
    assert result["parts"][0]["functionResponse"]["name"] == "add"


async def test_a_stream_and_half_a_stream(gemini: Any, bench: Bench, wire: Wire) -> None:
    """A whole stream is an answer, one without its end a failure that may be tried again."""
    pieces: list[str] = []
    wire.answer([answer([{"text": "one "}], None), answer([{"text": "two"}])])
    response = await gemini.request(bench.ask(on_text=pieces.append))
    assert (response.text, pieces, response.finish_reason) == ("one two", ["one ", "two"], "stop")
    wire.answer([answer([{"text": "one "}], None)])
    with pytest.raises(AgentError) as caught:
        await gemini.request(bench.ask(on_text=pieces.append))
    assert caught.value.kind == "ConnectionError"


@pytest.mark.parametrize(
    ("status", "name", "ours"),
    [
        (429, "RESOURCE_EXHAUSTED", "RateLimited"),
        (401, "UNAUTHENTICATED", "AuthenticationError"),
        (403, "PERMISSION_DENIED", "AuthenticationError"),
        (404, "NOT_FOUND", "ModelNotFound"),
        (503, "UNAVAILABLE", "OverloadedError"),
        (500, "INTERNAL", "ServerError"),
        (400, "INVALID_ARGUMENT", "RequestRejected"),
    ],
)
async def test_failures(gemini: Any, bench: Bench, wire: Wire, status: int, name: str, ours: str) -> None:
    """A failure is sent once, classified, holds no key, and says its wait, which stands in the body."""
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}
    error = {"code": status, "message": f"no, {KEY}", "status": name, "details": [wait]}
    wire.answer({"error": error}, status)
    with pytest.raises(AgentError) as caught:
        await gemini.request(bench.ask())
    assert (caught.value.kind, len(wire.requests)) == (ours, 1)
    assert "no, [redacted]" in caught.value.message
    assert not isinstance(caught.value, RateLimited) or caught.value.retry_after == 3


async def test_a_wrong_key_is_a_wrong_key(gemini: Any, bench: Bench, wire: Wire) -> None:
    """Gemini says of a wrong key that the request is invalid; it counts as what it is."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    error = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [info]}
    wire.answer({"error": error}, 400)
    with pytest.raises(AgentError) as caught:
        await gemini.request(bench.ask())
    assert caught.value.kind == "AuthenticationError"


async def test_an_unknown_setting_is_refused(gemini: Any, bench: Bench, wire: Wire) -> None:
    """Gemini takes no settings that nobody knows: the name is in the error, and nothing is sent."""
    with pytest.raises(AgentError, match="nonsense") as caught:
        await gemini.request(bench.ask(settings={"nonsense": 1}))
    assert (caught.value.kind, wire.requests) == ("RequestRejected", [])
