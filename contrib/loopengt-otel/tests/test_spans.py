"""What a run looks like in OpenTelemetry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt.testing import loop_spec
from loopengt_hookspecs.agents import AgentError, AgentReply, RateLimited

from .receivers import attributes, events

if TYPE_CHECKING:
    from .lab import Lab
    from .receivers import HttpReceiver

GATE = {"name": "tests", "condition": "output == 'good'", "on_failure": "retry"}


def gated(**policy: Any) -> dict[str, Any]:
    """A loop with one step that a gate checks."""
    return loop_spec(
        {"name": "work", "verification_gates": ["tests"]}, policy={"verification_gates": [GATE], **policy}
    )


async def test_a_run_is_a_tree_of_steps_attempts_tools_and_gates(lab: Lab, http: HttpReceiver) -> None:
    """Run, steps, attempts, calls of tools and gates are spans below each other."""

    def work(request: Any) -> AgentReply:
        request.emit("tool.call", {"tool": "bash", "call_id": "c1", "input": {"cmd": "ls"}})
        request.emit("tool.result", {"tool": "bash", "call_id": "c1", "output": "a file"})
        return AgentReply("bad" if request.attempt == 1 else "good", cost_usd=0.0, cost_source="reported")

    lab.agent.script("work", work, work)
    result = await lab.to(http).run(gated())

    sentence = await lab.export(result.run_id)

    assert http.tree() == [
        "invoke_workflow demo",
        "  step work",
        "    invoke_agent worker",
        "      execute_tool bash",
        "    gate tests",
        "    invoke_agent worker",
        "      execute_tool bash",
        "    gate tests",
    ]
    assert len({span.trace_id for span in http.received}) == 1
    assert f"Sent 8 spans of run {result.run_id} to {http.url}/v1/traces (HTTP), trace" in sentence
    assert http.received[0].trace_id.hex() in sentence


async def test_spans_say_what_the_conventions_want(lab: Lab, http: HttpReceiver) -> None:
    """Operation, workflow, agent, provider, conversation and usage stand under their conventional names."""
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "cached_tokens": 3, "reasoning_tokens": 2}
    lab.agent.script("work", AgentReply("good", usage, 0.25, "reported"))
    result = await lab.to(http).run(gated())
    await lab.export(result.run_id)

    run = attributes(http.named("invoke_workflow demo")[0])
    assert run["gen_ai.operation.name"] == "invoke_workflow"
    assert run["gen_ai.workflow.name"] == "demo"
    assert run["gen_ai.conversation.id"] == run["loopengt.run.id"] == result.run_id
    assert (run["loopengt.reason"], run["loopengt.turns"], run["loopengt.pattern"]) == (
        "goal_met",
        1,
        "sequential",
    )
    attempt = http.named("invoke_agent worker")[0]
    told = attributes(attempt)
    assert told["gen_ai.operation.name"] == "invoke_agent"
    assert (told["gen_ai.agent.name"], told["gen_ai.provider.name"]) == ("worker", "scripted")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (7, 5)
    assert told["gen_ai.usage.cache_read.input_tokens"] == 3
    assert (told["loopengt.cost_usd"], told["loopengt.step.name"], told["loopengt.attempt"]) == (
        0.25,
        "work",
        1,
    )
    assert attempt.status.code == 0
    assert http.resource["service.name"] == "loopengt"
    scope = http.batches[0].resource_spans[0].scope_spans[0]
    assert (scope.scope.name, scope.schema_url) == ("loopengt", "https://opentelemetry.io/schemas/1.41.0")


async def test_times_are_the_recorded_ones(lab: Lab, http: HttpReceiver) -> None:
    """Spans begin and end when the journal says so, however much later they are sent, and lie within each other."""
    lab.agent.script("work", "good")
    result = await lab.to(http).run(gated())
    _, recorded = await lab.recorded(result.run_id)
    await lab.export(result.run_id)

    def at(kind: str) -> int:
        return next(round(e.timestamp.timestamp() * 1e6) for e in recorded if e.event_type == kind)

    attempt, step, run = (
        http.named(name)[0] for name in ("invoke_agent worker", "step work", "invoke_workflow demo")
    )
    assert attempt.start_time_unix_nano // 1000 == at("step.start")
    assert attempt.end_time_unix_nano // 1000 == at("agent.response")
    assert step.end_time_unix_nano // 1000 == at("step.complete")
    assert (run.start_time_unix_nano // 1000, run.end_time_unix_nano // 1000) == (
        at("loop.start"),
        at("loop.complete"),
    )
    assert run.start_time_unix_nano <= step.start_time_unix_nano <= attempt.start_time_unix_nano
    gate = http.named("gate tests")[0]
    assert step.start_time_unix_nano <= gate.start_time_unix_nano <= gate.end_time_unix_nano


async def test_errors_have_a_type_and_a_status(lab: Lab, http: HttpReceiver) -> None:
    """A failed attempt, a failed gate, a failed step and a failed run say so by status and ``error.type``."""
    lab.agent.script("work", AgentError("the line is cut\nsecret details", kind="ConnectionError"), "bad")
    result = await lab.to(http).run(gated(retry={"max_retries": 1, "initial_delay_seconds": 0}))
    await lab.export(result.run_id)

    failed, answered = http.named("invoke_agent worker")
    assert (failed.status.code, failed.status.message) == (2, "the line is cut")
    assert attributes(failed)["error.type"] == "ConnectionError"
    assert attributes(failed)["loopengt.outcome"] == "retried"
    assert answered.status.code == 0
    gate = http.named("gate tests")[0]
    assert (gate.status.code, attributes(gate)["error.type"]) == (2, "gate_failed")
    step = http.named("step work")[0]
    assert (step.status.message, attributes(step)["error.type"]) == ("gate 'tests' failed", "gate_failed")
    run = http.named("invoke_workflow demo")[0]
    assert (run.status.code, attributes(run)["error.type"]) == (2, str(result.end.reason.value))
    retry = events(step, "loopengt.step.retry")
    assert [entry["loopengt.step.retry.reason"] for entry in retry] == ["error"]


async def test_a_rate_limit_leaves_one_span_of_the_attempt(lab: Lab, http: HttpReceiver) -> None:
    """An attempt that waits for a rate limit is one span, and the wait an event of its step."""
    lab.agent.script("work", RateLimited("slow down", retry_after=0.01), "good")
    result = await lab.to(http).run(gated())
    await lab.export(result.run_id)

    assert len(http.named("invoke_agent worker")) == 1
    waits = events(http.named("step work")[0], "loopengt.step.retry")
    assert [entry["loopengt.step.retry.reason"] for entry in waits] == ["rate_limit"]


async def test_content_is_sent_only_when_asked_for(lab: Lab, http: HttpReceiver) -> None:
    """Without the option no prompt, output, argument, result or feedback leaves; with it all do, as messages."""

    def work(request: Any) -> str:
        request.emit("tool.call", {"tool": "bash", "call_id": "c1", "input": {"cmd": "PROMPTED ls"}})
        request.emit("tool.result", {"tool": "bash", "call_id": "c1", "output": "ANSWERED files"})
        return "ANSWERED bad" if request.attempt == 1 else "good"

    lab.agent.script("work", work, work)
    result = await lab.to(http).run({**gated(), "goal": "PROMPTED goal"})
    await lab.export(result.run_id)
    sent = b"".join(batch.SerializeToString() for batch in http.batches)
    assert b"PROMPTED" not in sent
    assert b"ANSWERED" not in sent

    http.batches.clear()
    lab.to(http, content=True)
    await lab.export(result.run_id)
    first, second = (attributes(span) for span in http.named("invoke_agent worker"))
    [prompt] = json.loads(first["gen_ai.input.messages"])
    assert (prompt["role"], prompt["parts"][0]["type"]) == ("user", "text")
    assert "PROMPTED goal" in prompt["parts"][0]["content"]
    assert json.loads(second["gen_ai.output.messages"])[0]["parts"][0]["content"] == "good"
    tool = attributes(http.named("execute_tool bash")[0])
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"cmd": "PROMPTED ls"}
    assert tool["gen_ai.tool.call.result"] == "ANSWERED files"
    assert "ANSWERED" in attributes(http.named("gate tests")[0])["loopengt.gate.feedback"]


async def test_content_is_bounded(lab: Lab, http: HttpReceiver) -> None:
    """A text beyond the limit is cut, and messages stay valid JSON."""
    lab.agent.script("work", "x" * 1_000_000)
    lab.to(http, content=True, content_limit=100)
    result = await lab.run(loop_spec())
    await lab.export(result.run_id)

    messages = attributes(http.named("invoke_agent worker")[0])["gen_ai.output.messages"]
    content = json.loads(messages)[0]["parts"][0]["content"]
    assert (len(content), content[-1]) == (100, "…")


async def test_items_stand_below_their_step(lab: Lab, http: HttpReceiver) -> None:
    """A step with ``for_each`` has the executions for its items below it."""
    lab.agent.script("each[0]", "a")
    lab.agent.script("each[1]", "b")
    result = await lab.to(http).run(loop_spec({"name": "each", "for_each": "[1, 2]"}))
    await lab.export(result.run_id)

    assert http.tree() == [
        "invoke_workflow demo",
        "  step each",
        "    step each[0]",
        "      invoke_agent worker",
        "    step each[1]",
        "      invoke_agent worker",
    ]
    assert attributes(http.named("step each[1]")[0])["loopengt.step.of"] == "each"


CHILD = """
name: kid
goal: Help.
agents: [{name: helper, config: {provider: scripted}}]
steps: [{name: k1, agent: helper}]
"""


async def test_a_child_run_is_nested(lab: Lab, http: HttpReceiver) -> None:
    """A child run is part of its parent's trace, below the attempt that it does, and is not sent alone."""
    (lab.project / ".loopengt").mkdir()
    (lab.project / "kid.yaml").write_text(CHILD)
    lab.agent.script("k1", AgentReply("done", {"prompt_tokens": 3}, 0.5, "reported"))
    result = await lab.to(http).run(loop_spec({"name": "sub", "loop": "kid.yaml"}))
    await lab.export(result.run_id)

    assert http.tree() == [
        "invoke_workflow demo",
        "  step sub",
        "    attempt 1",
        "      invoke_workflow kid",
        "        step k1",
        "          invoke_agent helper",
    ]
    assert len({span.trace_id for span in http.received}) == 1
    costs = [attributes(span).get("loopengt.cost_usd") for span in http.received]
    assert sum(filter(None, costs)) == 0.5
    tokens = [attributes(span).get("gen_ai.usage.input_tokens") for span in http.received]
    assert sum(filter(None, tokens)) == 3


async def test_handoffs_and_budgets_are_events(lab: Lab, http: HttpReceiver) -> None:
    """A handoff and an exceeded budget are events of the run's span."""
    lab.agent.script("one", AgentReply("a", {"prompt_tokens": 80}, 0.0, "reported"))
    spec = loop_spec("one", "two", pattern="handoff", policy={"budget": {"max_tokens": 50}})
    result = await lab.to(http).run(spec)
    assert result.end.reason.value == "exhausted"
    await lab.export(result.run_id)

    run = http.named("invoke_workflow demo")[0]
    [exceeded] = events(run, "loopengt.budget.exceeded")
    assert exceeded["loopengt.budget.exceeded.used"] == 80
    assert attributes(run)["error.type"] == "exhausted"

    http.batches.clear()
    lab.agent.script("one", "payload text")
    lab.agent.script("two", "b")
    result = await lab.run(loop_spec("one", "two", pattern="handoff"))
    await lab.export(result.run_id)
    told = [event for span in http.received for event in events(span, "loopengt.handoff")]
    assert told
    assert told[0]["loopengt.handoff.protocol"]
    assert not any("payload" in key for key in told[0])
