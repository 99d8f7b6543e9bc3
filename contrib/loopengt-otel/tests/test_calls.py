"""Requests to models and calls of tools that the engine records."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from loopengt import hookimpl
from loopengt.testing import loop_spec
from loopengt_hookspecs.agents import AgentError, AgentReply
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelResponse, ToolRequest
from loopengt_hookspecs.models import Effects

from .receivers import attributes

if TYPE_CHECKING:
    from .lab import Lab
    from .receivers import HttpReceiver


class Adder:
    """A builtin tool."""

    description = "Adds two numbers."
    input_schema = {"type": "object", "required": ["a", "b"]}
    output_schema = None
    effects = Effects.NONE
    options = None

    async def call(self, call: Any, options: Any) -> int:
        """Add."""
        return int(call.arguments["a"] + call.arguments["b"])


class Thinker:
    """An agent that asks a model, calls a tool, and asks again, by the engine's calls."""

    options = None
    reports_cost = True
    takes_tools = True

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def bind(self, role: Any, project: Any) -> Thinker:
        """Serve every role."""
        return self

    def plan(self) -> str:
        """Say what it does."""
        return "think"

    def missing(self) -> list[Any]:
        """Nothing."""
        return []

    async def invoke(self, request: Any) -> AgentReply:
        """Think."""
        calls = request.calls
        asked = ModelRequest([Message("user", request.prompt)])
        wish = ToolRequest("call-1", "add", {"a": 1, "b": 2})

        async def first(_: Any) -> ModelResponse:
            usage = {"prompt_tokens": 10, "completion_tokens": 4}
            return ModelResponse("", (wish,), usage, 0.125, "m1-2026", "tool_call", "resp-1")

        async def second(_: Any) -> ModelResponse:
            if self.fails:
                raise AgentError("the model is gone", kind="ModelUnavailableError")
            return ModelResponse(
                "SAID three", (), {"prompt_tokens": 20, "completion_tokens": 6}, 0.125, "m1-2026", "stop"
            )

        await calls.model(asked, first)
        await calls.tool("add", wish.arguments, call_id=wish.call_id)
        await calls.tool("nothing", {}, call_id="call-2")
        response = await calls.model(asked, second)
        return AgentReply(response.text, cost_usd=0.0, cost_source="reported")


def thinking(lab: Lab, thinker: Thinker) -> dict[str, Any]:
    """A loop that a thinker does, in a lab that has it."""

    @hookimpl
    def loopengt_register_tools(register: Any) -> None:
        register("add", Adder(), summary="Adds")

    lab.plugins.append(("adders", SimpleNamespace(loopengt_register_tools=loopengt_register_tools)))
    lab.agents["thinker"] = thinker
    agent = {"name": "worker", "config": {"provider": "thinker", "model": "m1"}, "tools": ["add"]}
    tools = [{"name": "add", "tool_type": "builtin"}]
    return loop_spec(agents=[agent], tools=tools)


async def test_calls_are_spans_of_the_attempt(lab: Lab, http: HttpReceiver) -> None:
    """Requests to the model and calls of tools stand below the attempt, with model, usage, ids and finish reason."""
    spec = thinking(lab, Thinker())
    result = await lab.to(http).run(spec)
    assert result.end.reason.value == "goal_met"
    await lab.export(result.run_id)

    assert http.tree()[2:] == [
        "    invoke_agent worker",
        "      chat m1",
        "      execute_tool add",
        "      execute_tool nothing",
        "      chat m1",
    ]
    first, second = http.named("chat m1")
    told = attributes(first)
    assert first.kind == 3
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == ("thinker", "m1")
    assert (told["gen_ai.response.model"], told["gen_ai.response.id"]) == ("m1-2026", "resp-1")
    assert told["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert (told["gen_ai.usage.input_tokens"], attributes(second)["gen_ai.usage.output_tokens"]) == (10, 6)
    tool = attributes(http.named("execute_tool add")[0])
    assert (tool["gen_ai.tool.call.id"], tool["gen_ai.tool.type"]) == ("call-1", "function")
    assert "gen_ai.tool.call.arguments" not in tool
    unknown = http.named("execute_tool nothing")[0]
    assert unknown.status.code == 2


async def test_tokens_are_told_once(lab: Lab, http: HttpReceiver) -> None:
    """What its requests have used the attempt does not tell again: a receiver that adds up counts each token once."""
    result = await lab.to(http).run(thinking(lab, Thinker()))
    await lab.export(result.run_id)

    tokens = [attributes(span).get("gen_ai.usage.input_tokens", 0) for span in http.received]
    assert sum(tokens) == 30
    assert attributes(http.named("invoke_agent worker")[0])["loopengt.usage.total_tokens"] == 40


async def test_what_a_model_says_is_content(lab: Lab, http: HttpReceiver) -> None:
    """With content a response is an assistant's message, and its wishes for tools are parts of it."""
    result = await lab.to(http, content=True).run(thinking(lab, Thinker()))
    await lab.export(result.run_id)

    first, second = (
        json.loads(attributes(span)["gen_ai.output.messages"])[0] for span in http.named("chat m1")
    )
    [wish] = first["parts"]
    assert (wish["type"], wish["id"], wish["name"]) == ("tool_call", "call-1", "add")
    assert json.loads(wish["arguments"]) == {"a": 1, "b": 2}
    assert second["parts"] == [{"type": "text", "content": "SAID three"}]
    assert (first["finish_reason"], second["finish_reason"]) == ("tool_call", "stop")


async def test_a_failed_request_is_an_error(lab: Lab, http: HttpReceiver) -> None:
    """A request that failed has status and error type, and so has its attempt."""
    result = await lab.to(http).run(thinking(lab, Thinker(fails=True)))
    await lab.export(result.run_id)

    failed = http.named("chat m1")[1]
    assert failed.status.message == "the model is gone"
    assert attributes(failed)["error.type"] == "ModelUnavailableError"
    assert attributes(http.named("invoke_agent worker")[0])["error.type"] == "ModelUnavailableError"


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "unanswered"])
async def test_calls_that_an_agent_tells_of_without_ids_are_told_apart(
    lab: Lab, http: HttpReceiver, answered: bool
) -> None:
    """Calls of one tool without ids are spans of their own; one without a result ends with its attempt."""

    def work(request: Any) -> str:
        for _ in range(3):
            request.emit("tool.call", {"tool": "bash"})
        if answered:
            for _ in range(3):
                request.emit("tool.result", {"tool": "bash"})
        return "done"

    lab.agent.script("work", work)
    result = await lab.to(http).run(loop_spec())
    await lab.export(result.run_id)

    calls = http.named("execute_tool bash")
    assert len(calls) == 3
    assert [attributes(call).get("loopengt.outcome") for call in calls] == [
        None if answered else "unknown"
    ] * 3
    attempt = http.named("invoke_agent worker")[0]
    assert all(call.end_time_unix_nano <= attempt.end_time_unix_nano for call in calls)
