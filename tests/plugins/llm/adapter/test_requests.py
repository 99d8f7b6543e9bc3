"""Requests to OpenAI-compatible services: what is sent, and what is made of the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from loopengt.testing import FakeOpenAI
from loopengt_hookspecs.errors import AgentError, UsageError
from loopengt_hookspecs.model_adapters import Message, ModelResponse, ToolRequest

Bench = Any
Make = Callable[..., Any]
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("provider", "name", "limit"),
    [
        ("openai", "gpt-4o", "max_completion_tokens"),
        ("openai-compatible", "m1", "max_tokens"),
        ("huggingface", "org/m1", "max_tokens"),
        ("ollama", "llama3", "max_tokens"),
        ("openrouter", "openai/gpt-4o", "max_tokens"),
    ],
)
async def test_each_service_gets_its_request(
    server: FakeOpenAI, model: Make, bench: Bench, provider: str, name: str, limit: str
) -> None:
    """Model, messages, key, headers and settings arrive; the answer's text, tokens and end come back."""
    one = model(provider, name=name, headers={"X-Team": "blue"})
    server.answer("fine", usage={"prompt_tokens": 7, "completion_tokens": 2}, model="m1-2026")
    response = await one.request(
        bench.ask(
            Message("system", "Be brief."),
            "hi",
            temperature=0.5,
            max_tokens=9,
            settings={"top_p": 0.1, "foo": [1]},
        )
    )
    assert (response.text, response.finish_reason, response.model) == ("fine", "stop", "m1-2026")
    assert (response.token_usage, response.response_id) == (
        {"prompt_tokens": 7, "completion_tokens": 2},
        "chatcmpl-1",
    )
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-test-0123456789"
    assert request.headers["x-team"] == "blue"
    expected = {"model": name, "temperature": 0.5, "top_p": 0.1, "foo": [1], limit: 9}
    assert expected.items() <= request.body.items()
    assert [(m["role"], m["content"]) for m in request.body["messages"]] == [
        ("system", "Be brief."),
        ("user", "hi"),
    ]


async def test_no_key_sends_no_key(
    server: FakeOpenAI, model: Make, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key nothing is sent as one, not even what the environment has for OpenAI itself."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment-1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-environment-1")
    for provider in ("openai-compatible", "ollama"):
        await model(provider, api_key="").request(bench.ask())
        headers = server.requests[-1].headers
        assert "authorization" not in headers
        assert "environment-1" not in json.dumps(dict(headers))


async def test_a_setting_that_only_one_service_has_is_named_plainly(
    server: FakeOpenAI, model: Make, bench: Bench
) -> None:
    """A setting that the service's own library names with a prefix is given without it."""
    await model("openai", name="o3").request(bench.ask(settings={"reasoning_effort": "low", "seed": 3}))
    assert {"reasoning_effort": "low", "seed": 3}.items() <= server.requests[0].body.items()


@pytest.mark.parametrize("name", ["max_retries", "timeout", "temperature", "model", "stream"])
async def test_a_setting_that_has_its_own_place_is_refused(
    server: FakeOpenAI, model: Make, bench: Bench, name: str
) -> None:
    """A setting that would work against the request's own fields, or against the engine, is an error."""
    with pytest.raises(AgentError, match=name) as caught:
        await model().request(bench.ask(settings={name: 1}))
    assert (caught.value.kind, server.requests) == ("RequestRejected", [])
    assert caught.value.remedy


# -- tools and schemas ----------------------------------------------------------------


async def test_a_tool_loop_goes_through_the_journal(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """Ten parallel calls come back as wishes; as JSON and back they are the same, and are sent as they were."""
    one = model()
    calls: list[dict[str, Any]] = [
        {"name": "add", "arguments": {"x": number, "t": "é\n"}, "id": f"c{number}"} for number in range(10)
    ]
    server.answer("Adding.", tool_calls=calls)
    first = await one.request(bench.ask("add", tools=[bench.add]))
    assert first.finish_reason == "tool_call"
    assert first.tool_requests == tuple(ToolRequest(c["id"], "add", c["arguments"]) for c in calls)
    kept = ModelResponse.from_data(json.loads(json.dumps(first.to_data())))
    assert kept == first
    results = [Message("tool", str(n), call_id=f"c{n}", name="add", is_error=n == 9) for n in range(10)]
    last = await one.request(bench.ask("add", kept.message(), *results, tools=[bench.add]))
    assert "9" in last.text
    (tool,) = server.requests[0].body["tools"]
    assert (tool["function"]["name"], tool["function"]["description"]) == ("add", "Adds one")
    assert tool["function"]["parameters"]["required"] == ["x"]
    asked, said, *told = server.requests[1].body["messages"]
    assert (asked["content"], said["content"]) == ("add", "Adding.")
    assert [(c["id"], json.loads(c["function"]["arguments"])) for c in said["tool_calls"]] == [
        (c["id"], c["arguments"]) for c in calls
    ]
    assert [(m["role"], m["tool_call_id"]) for m in told] == [("tool", f"c{n}") for n in range(10)]
    assert told[0]["content"] == "0" and "9" in told[9]["content"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", {}),
        ("{not json", "{not json"),
        ("[1]", [1]),
        ('{"x": NaN}', '{"x": NaN}'),
        ('{"x": 1}', {"x": 1}),
    ],
)
async def test_odd_arguments_are_handed_over(
    server: FakeOpenAI, model: Make, bench: Bench, written: str, read: Any
) -> None:
    """Arguments that are no JSON are text, and the conversation goes on with them."""
    one = model()
    server.answer(tool_calls=[{"name": "add", "arguments": written, "id": "c1"}])
    first = await one.request(bench.ask(tools=[bench.add]))
    assert first.tool_requests == (ToolRequest("c1", "add", read),)
    told = Message("tool", "wrong arguments", call_id="c1", name="add", is_error=True)
    again = await one.request(bench.ask("hi", first.message(), told, tools=[bench.add]))
    assert "wrong arguments" in again.text


@pytest.mark.parametrize("choice", ["required", "none"])
async def test_the_choice_of_tools_is_sent(
    server: FakeOpenAI, model: Make, bench: Bench, choice: str
) -> None:
    """That a tool must, or must not, be called reaches the service."""
    response = await model().request(bench.ask(tools=[bench.add], tool_choice=choice))
    assert server.requests[0].body["tool_choice"] == choice
    assert bool(response.tool_requests) == (choice == "required")


async def test_a_schema_is_held_by_the_service_itself(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """A schema goes out in the service's own field, and its answer is JSON text."""
    one = model("openai", name="gpt-4o")
    assert one.native_schema
    response = await one.request(bench.ask(output_schema=SCHEMA))
    assert json.loads(response.text) == {"score": 1.0}
    sent = server.requests[0].body["response_format"]
    assert sent["type"] == "json_schema" and sent["json_schema"]["schema"] == SCHEMA


async def test_not_every_service_holds_a_schema(model: Make) -> None:
    """Of Hugging Face's router nobody knows whether what is behind it holds a schema: it counts as not."""
    assert not model("huggingface", name="google/gemma-4-31B-it").native_schema
    assert model("ollama").native_schema


# -- usage, cost, state ---------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_has_its_parts(server: FakeOpenAI, model: Make, bench: Bench, stream: bool) -> None:
    """Cached and reasoning tokens are told, streamed or not."""
    usage = {"prompt_tokens": 9, "completion_tokens": 8, "cached_tokens": 4, "reasoning_tokens": 3}
    server.answer("fine", usage=usage)
    response = await model().request(bench.ask(on_text=(lambda text: None) if stream else None))
    assert response.token_usage == usage
    assert response.cost_usd is None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.25}, 0.25),
        ({"cost": 0}, 0.0),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, 0.21),
    ],
)
async def test_openrouter_says_what_it_has_cost(
    server: FakeOpenAI, model: Make, bench: Bench, usage: dict[str, Any], cost: float, stream: bool
) -> None:
    """OpenRouter is asked for its account, and the cost is given, a cost of nothing included."""
    server.answer("fine", usage=usage)
    one = model("openrouter", name="openai/gpt-4o")
    response = await one.request(bench.ask(on_text=(lambda text: None) if stream else None))
    assert response.cost_usd == pytest.approx(cost)
    assert server.requests[0].body["usage"] == {"include": True}


async def test_reasoning_is_kept_for_the_next_request(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """What is no text stays out of the text, and is in the state that goes through the journal unchanged."""
    one = model()
    server.answer("fine", reasoning="let me think")
    response = await one.request(bench.ask())
    assert (response.text, response.state["parts"][0]["content"]) == ("fine", "let me think")
    kept = ModelResponse.from_data(json.loads(json.dumps(response.to_data())))
    assert kept == response
    await one.request(bench.ask("hi", kept.message(), "and?"))
    assert server.requests[1].body["messages"][1]["content"].endswith("fine")


# -- streaming and concurrency --------------------------------------------------------


async def test_a_stream_ends_in_the_same_answer(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """Text comes piece by piece, and the answer is the one that would have come at once."""
    one = model()
    pieces: list[str] = []
    answer = {
        "tool_calls": [{"name": "add", "arguments": {"x": 1}, "id": "c"}],
        "usage": {"prompt_tokens": 1},
    }
    server.answer("one two three", **answer)
    streamed = await one.request(bench.ask(tools=[bench.add], on_text=pieces.append))
    server.answer("one two three", **answer)
    whole = await one.request(bench.ask(tools=[bench.add]))
    assert pieces == ["one ", "two ", "three"]
    assert streamed.to_data() == whole.to_data() | {"response_id": "chatcmpl-1"}
    assert server.requests[0].body["stream_options"] == {"include_usage": True}


async def test_what_on_text_raises_passes(server: FakeOpenAI, model: Make, bench: Bench) -> None:
    """An error of whoever shows the text is not taken for one of the service."""

    def fail(text: str) -> None:
        raise ValueError("no terminal")

    with pytest.raises(ValueError, match="no terminal"):
        await model().request(bench.ask(on_text=fail))


async def test_fifty_at_the_same_time(model: Make, bench: Bench, server: FakeOpenAI) -> None:
    """Fifty requests of one model are on their way together, and each gets its own answer."""
    for number in range(50):
        server.answer(f"n{number}", delay_seconds=0.5)
    one = model()
    responses = await asyncio.gather(*(one.request(bench.ask(f"q{number}")) for number in range(50)))
    assert {response.text for response in responses} == {f"n{number}" for number in range(50)}
    assert server.peak > 25


async def test_connections_are_kept(model: Make, bench: Bench, server: FakeOpenAI) -> None:
    """Requests after one another use one connection."""
    one = model()
    for _ in range(5):
        await one.request(bench.ask())
    assert server.connections == 1


def test_a_model_serves_one_event_loop_after_another(server: FakeOpenAI, bench_class: Bench) -> None:
    """A client belongs to its event loop; the next loop gets its own."""
    bench = bench_class()
    one = bench.model(server.url)

    async def ask() -> str:
        text: str = (await one.request(bench.ask())).text
        await one.close()
        return text

    assert [asyncio.run(ask()) for _ in range(2)] == ["echo: hi"] * 2


async def test_unknown_providers_and_absent_urls_are_named(bench: Bench) -> None:
    """A provider that nobody knows, and a service without its place, are errors before anything is sent."""
    with pytest.raises(UsageError, match="nonsense"):
        bench.model("http://127.0.0.1:1", "nonsense")
    with pytest.raises(UsageError, match="where"):
        bench.model("", "openai-compatible")
