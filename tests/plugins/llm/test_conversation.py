"""The conversation of an LLM agent with a scripted model and calls that are kept."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt_hookspecs.agents import AgentError, RateLimited
from loopengt_hookspecs.model_adapters import Message
from loopengt_hookspecs.models import AgentRole

from .kit import Bench, KeptCalls, ScriptedModels, calling, role_of, saying

ADD = {"add": lambda given: given["a"] + given["b"]}


async def test_text_is_the_answer(bench: Bench) -> None:
    """Without tools and schema the model is asked once, and its text is the output."""
    models = ScriptedModels(["  Done.\n"])
    reply = await bench.ask(models, prompt="Write.", system_prompt="Be brief.")
    assert reply.output == "  Done.\n"
    assert (reply.token_usage, reply.cost_usd) == ({}, None)
    assert reply.metadata == {
        "model": "m1-2026",
        "finish_reason": "stop",
        "requests": 1,
        "response_ids": ["r1"],
    }
    (request,) = models.requests
    assert request.messages == (Message("system", "Be brief."), Message("user", "Write."))
    assert (request.tools, request.output_schema, request.tool_choice) == ([], None, "auto")


@pytest.mark.parametrize(
    "prompt", ["{goal} {a.b} {{x}}", "{% for x in y %}{{ x }}{% endfor %}", "%s ${HOME} \0"]
)
async def test_a_prompt_is_sent_as_it_is(bench: Bench, prompt: str) -> None:
    """What a prompt holds is text to the agent, whatever it looks like."""
    models = ScriptedModels(["ok"])
    await bench.ask(models, prompt=prompt)
    assert models.requests[0].messages == (Message("user", prompt),)


async def test_tools_are_called_until_there_is_an_answer(bench: Bench) -> None:
    """Each outcome goes back to the model under the id of its call, with all that was said before."""
    calls = KeptCalls(ADD)
    models = ScriptedModels(
        [calling(("add", {"a": 1, "b": 2}), state=["s"]), calling(("add", {"a": 3, "b": 4})), "7"]
    )
    reply = await bench.ask(models, calls=calls)
    assert (reply.output, reply.metadata["requests"]) == ("7", 3)
    assert calls.called == [("add", {"a": 1, "b": 2}, "call-1"), ("add", {"a": 3, "b": 4}, "call-1")]
    assert [offer.name for offer in models.requests[0].tools] == ["add"]
    said = models.requests[2].messages
    assert [message.role for message in said] == ["user", "assistant", "tool", "assistant", "tool"]
    assert said[1].state == ["s"]
    assert said[2] == Message("tool", "3", call_id="call-1", name="add")


async def test_what_a_tool_says_of_a_failure_is_read_by_the_model(bench: Bench) -> None:
    """An unknown tool, and arguments that are no object, are handed over, and answered as failures."""
    calls = KeptCalls(ADD)
    models = ScriptedModels([calling(("subtract", {}), ("add", "{broken")), "I see."])
    assert (await bench.ask(models, calls=calls)).output == "I see."
    unknown, broken = models.requests[1].messages[-2:]
    assert (unknown.is_error, unknown.text) == (True, "there is no tool 'subtract'")
    assert (broken.is_error, "{broken" in broken.text) == (True, True)


async def test_a_loop_without_end_is_ended(bench: Bench) -> None:
    """A model that asks for tools for ever is asked max_requests times."""
    models = ScriptedModels([calling(("add", {"a": 1, "b": 1}))] * 9)
    with pytest.raises(AgentError, match="has asked its model 4 times") as caught:
        await bench.ask(models, role_of({"extra": {"max_requests": 4}}), KeptCalls(ADD))
    assert (caught.value.kind, caught.value.starts_over) == ("TooManyRequests", True)
    assert len(models.requests) == 4


async def test_recorded_calls_are_not_made_again(bench: Bench) -> None:
    """An attempt that is taken up again comes to the same requests, and asks the model for the rest alone."""
    script: list[Any] = [
        calling(("add", {"a": 1, "b": 2}), ("add", {"a": 5, "b": 5})),
        calling(("add", {"a": 3, "b": 3})),
    ]
    first = KeptCalls(ADD)
    broken = ScriptedModels([*script, AgentError("gone", kind="ConnectionError")])
    with pytest.raises(AgentError, match="gone"):
        await bench.ask(broken, calls=first)
    again, models = KeptCalls(ADD, recorded=first.kept), ScriptedModels(["fine"])
    assert (await bench.ask(models, calls=again)).output == "fine"
    assert again.called == []
    assert models.requests[0].messages == broken.requests[2].messages


@pytest.mark.parametrize("error", [AgentError("no", kind="ServerError"), RateLimited("wait", retry_after=3)])
async def test_an_error_of_a_request_is_passed_on(bench: Bench, error: AgentError) -> None:
    """What a request raises reaches the engine as it is, which knows what to do about it."""
    with pytest.raises(AgentError) as caught:
        await bench.ask(ScriptedModels([error]))
    assert caught.value is error


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (saying("half", finish_reason="length"), "OutputTruncated", "cut off after 100 tokens"),
        (calling(("add", {}), finish_reason="length"), "OutputTruncated", "cut off after 100 tokens"),
        (saying("", finish_reason="content_filter"), "ContentFilter", "content filter"),
        (saying("x", finish_reason="error"), "InvalidResponse", "error of its service"),
        (saying(" \n"), "EmptyOutput", "answered with nothing"),
    ],
)
async def test_an_answer_that_is_none_fails_the_attempt(
    bench: Bench, response: Any, kind: str, words: str
) -> None:
    """A part of an answer, a refusal or nothing is never taken for an answer; another attempt begins afresh."""
    with pytest.raises(AgentError, match=rf"agent 'writer' \(ollama:m1\) .*{words}") as caught:
        await bench.ask(ScriptedModels([response]), role_of({"max_tokens": 100}), KeptCalls(ADD))
    assert (caught.value.kind, caught.value.starts_over) == (kind, True)


async def test_only_settings_that_were_made_are_sent(bench: Bench) -> None:
    """The contract's default temperature is not sent; what the spec says is, with its free settings."""
    models = ScriptedModels(["a", "b"])
    await bench.ask(models)
    said = {"temperature": 0.7, "max_tokens": 50, "extra": {"settings": {"seed": 7}}}
    await bench.ask(models, role_of(said), tokens_left=10)
    first, second = models.requests
    assert (first.temperature, first.max_tokens, first.settings) == (None, None, {})
    assert (second.temperature, second.max_tokens, second.settings) == (0.7, 50, {"seed": 7})


@pytest.mark.parametrize(("stream", "shown"), [(True, ["a", "b"]), (False, [])])
async def test_answers_are_shown_while_they_are_written(bench: Bench, stream: bool, shown: list[str]) -> None:
    """With stream, the default, pieces of the text reach who watches."""
    calls = KeptCalls()
    await bench.ask(
        ScriptedModels(["a b"]), role_of({"extra": {"stream": stream}} if not stream else {}), calls
    )
    assert calls.shown == shown


async def test_a_budget_in_dollars_wants_the_cost_that_was_promised(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a service reports costs, an answer without one fails, but only when a budget needs it."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-12345678")
    role = role_of({"provider": "openrouter"})
    assert (await bench.ask(ScriptedModels(["free"]), role)).output == "free"
    assert (
        await bench.ask(ScriptedModels([saying("paid", cost_usd=0.0)]), role, cost_left_usd=1.0)
    ).output == "paid"
    with pytest.raises(AgentError, match="without its cost") as caught:
        await bench.ask(ScriptedModels(["?"]), role, cost_left_usd=1.0)
    assert caught.value.kind == "NoCost"


async def test_one_failing_call_ends_the_others(bench: Bench) -> None:
    """When a call ends the attempt, as a pause of the run does, its siblings are cancelled and over by then."""
    import asyncio

    ended: list[str] = []

    class Pausing(KeptCalls):
        async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> Any:
            if name == "pause":
                raise KeyError("the run pauses")
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(call_id)

    models = ScriptedModels([calling(("hang", {}), ("pause", {}), ("hang", {}))])
    with pytest.raises(KeyError, match="pauses"):
        await bench.ask(models, calls=Pausing())
    assert sorted(ended) == ["call-1", "call-3"]


def test_the_agent_says_what_it_can_do(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools are taken; costs are known to be none of a local model, or are told, or are neither."""
    models = ScriptedModels([])

    def costs(**config: Any) -> tuple[bool, bool]:
        role: AgentRole = role_of(config)
        agent = bench.agent(models, role)
        assert agent.takes_tools
        return agent.free, agent.reports_cost

    here = {"base_url": "http://localhost:1/v1"}
    assert costs() == (True, False)
    assert costs(extra={"cost": "unknown"}) == (False, False)
    assert costs(provider="openai-compatible", extra=here) == (False, False)
    assert costs(provider="openai-compatible", extra={**here, "cost": "free"}) == (True, False)
    assert costs(provider="openrouter") == (False, True)
    assert costs(provider="openrouter", extra=here) == (False, False)
