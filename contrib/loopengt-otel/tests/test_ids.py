"""Sending a run again, from wherever, adds nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from loopengt.approvals import Answer, decide, read_questions
from loopengt.testing import loop_spec, resume_loop
from loopengt_hookspecs.agents import AgentError, AgentReply
from loopengt_hookspecs.engines import ForkRequest
from loopengt_hookspecs.errors import ExportError
from loopengt_hookspecs.models import LoopState

from .receivers import attributes, events
from .test_hostile import told

if TYPE_CHECKING:
    from .lab import Lab
    from .receivers import HttpReceiver

ASKING = loop_spec(
    "first",
    {"name": "asked", "verification_gates": ["person"]},
    policy={"verification_gates": [{"name": "person", "kind": "approval"}]},
)


def rich(lab: Lab) -> dict[str, Any]:
    """A loop with retries, tools, items and a child run."""
    (lab.project / ".loopengt").mkdir(exist_ok=True)
    (lab.project / "kid.yaml").write_text(
        "name: kid\ngoal: Help.\nagents: [{name: helper, config: {provider: scripted}}]\n"
        "steps: [{name: k1, agent: helper}]\n"
    )

    def work(request: Any) -> AgentReply:
        request.emit("tool.call", {"tool": "bash", "input": {}})
        request.emit("tool.result", {"tool": "bash", "output": "x"})
        if request.attempt == 1:
            raise AgentError("no", kind="TimeoutError")
        return AgentReply("good", {"prompt_tokens": 1}, 0.0, "reported")

    lab.agent.script("work", work, work)
    lab.agent.script("k1", "kid")
    lab.agent.script("each[0]", "a")
    return loop_spec("work", {"name": "each", "for_each": "[1]"}, {"name": "sub", "loop": "kid.yaml"})


async def test_a_second_export_adds_nothing(lab: Lab, http: HttpReceiver) -> None:
    """Every span of a second export is the same, byte for byte, as that of the first."""
    result = await lab.to(http).run(rich(lab))
    await lab.export(result.run_id)
    before = dict(http.spans)
    await lab.export(result.run_id)

    assert len(http.received) == 2 * len(before)
    assert http.spans == before


async def test_live_and_recorded_are_the_same(lab: Lab, http: HttpReceiver) -> None:
    """What is sent while a run is driven, and what is sent of its record, are the same spans."""
    lab.observed = True
    result = await lab.to(http, content=True).run(rich(lab))
    live = dict(http.spans)
    await lab.export(result.run_id)

    assert len(live) == 14
    assert http.spans == live


async def test_two_runs_of_one_loop_share_no_id(lab: Lab, http: HttpReceiver) -> None:
    """Two runs of the same loop are two traces."""
    lab.agent.script("work", "a", "b")
    for _ in range(2):
        result = await lab.to(http).run(loop_spec())
        await lab.export(result.run_id)

    assert len(http.spans) == 6
    assert len({span.trace_id for span in http.received}) == 2


async def test_two_runs_at_once_are_kept_apart(lab: Lab, http: HttpReceiver) -> None:
    """Runs that are driven and watched at the same time come out as if each had been alone."""
    lab.observed = True
    lab.agent.script("work", *range(4))
    results = await asyncio.gather(*(lab.to(http).run(loop_spec()) for _ in range(4)))

    assert len(http.spans) == 12
    live = dict(http.spans)
    for result in results:
        await lab.export(result.run_id)
    assert http.spans == live


async def test_a_paused_run_is_sent_as_far_as_it_has_ended(lab: Lab, http: HttpReceiver) -> None:
    """Of a run that waits for a person only what has ended is sent, and the sentence says what is missing."""
    lab.agent.script("first", "a")
    lab.agent.script("asked", "b")
    result = await lab.to(http).run(ASKING)
    assert result.end.reason.value == "approval_required"
    sentence = await lab.export(result.run_id)

    assert {span.name for span in http.received} == {"step first", "invoke_agent worker"}
    assert "send it again when it has ended" in sentence


@pytest.mark.parametrize("observed", [False, True], ids=["recorded", "live"])
async def test_a_resumed_run_is_one_trace(lab: Lab, http: HttpReceiver, observed: bool) -> None:
    """A run that paused and was resumed by another process is whole, and its spans begin when they began."""
    lab.observed = observed
    lab.storage = "sqlite"
    lab.agent.script("first", "a")
    lab.agent.script("asked", "b")
    result = await lab.to(http).run(ASKING)
    await answer(lab, result.run_id)
    end = await resume_loop(lab.another(), result.run_id)
    assert end.end.reason.value == "goal_met"
    if not observed:
        await lab.export(result.run_id)
    tree = [
        "invoke_workflow demo",
        "  step first",
        "    invoke_agent worker",
        "  step asked",
        "    invoke_agent worker",
        "    gate person",
    ]
    assert http.tree() == tree
    before = dict(http.spans)
    await lab.export(result.run_id)
    assert http.spans == before
    run = http.named("invoke_workflow demo")[0]
    assert events(run, "loopengt.loop.pause")[0]["loopengt.loop.pause.reason"] == "approval_required"
    assert events(run, "loopengt.loop.resume")


@pytest.mark.parametrize("observed", [False, True], ids=["recorded", "live"])
async def test_a_run_that_went_on_after_its_end_has_a_second_span(
    lab: Lab, http: HttpReceiver, observed: bool
) -> None:
    """A failed run that is taken up again keeps its first spans, and what is done then has spans of its own."""
    lab.observed = observed
    lab.storage = "sqlite"
    lab.agent.script("one", AgentReply("a", {"prompt_tokens": 80}, 0.0, "reported"))
    lab.agent.script("two", AgentReply("b", {"prompt_tokens": 1}, 0.0, "reported"))
    spec = loop_spec("one", "two", policy={"budget": {"max_tokens": 50}})
    result = await lab.to(http).run(spec)
    assert result.end.reason.value == "exhausted"
    if not observed:
        await lab.export(result.run_id)
    first = dict(http.spans)
    end = await resume_loop(lab.another(), result.run_id, add_budget={"tokens": 1000})
    assert end.end.reason.value == "goal_met"
    await lab.export(result.run_id)

    assert first.items() <= http.spans.items()
    failed, done = http.named("invoke_workflow demo")
    assert (failed.status.code, done.status.code) == (2, 0)
    assert failed.trace_id == done.trace_id
    assert attributes(done)["loopengt.continued"] is True
    assert http.named("step two")[0].parent_span_id == done.span_id


async def test_a_fork_is_a_trace_of_its_own(lab: Lab, http: HttpReceiver) -> None:
    """A fork shares no span with the run it comes from, and tells what both have in common as its own."""
    lab.observed = True
    lab.storage = "sqlite"
    lab.agent.script("one", "a")
    lab.agent.script("two", "b", "c")
    result = await lab.to(http).run(loop_spec("one", "two"))
    first = dict(http.spans)
    kernel = lab.another()
    async with kernel.storage():
        forked = await kernel.engine().fork(ForkRequest(result.run_id, at="two"))

    mine = {span_id: span for span_id, span in http.spans.items() if span_id not in first}
    assert sorted(span.name for span in mine.values()) == sorted(span.name for span in first.values())
    assert len({span.trace_id for span in http.received}) == 2
    await lab.export(forked.run_id)
    assert http.spans == first | mine
    root = next(span for span in mine.values() if span.name == "invoke_workflow demo")
    assert attributes(root)["loopengt.forked_from"] == result.run_id


CRASH: list[tuple[str, dict[str, Any]]] = [
    ("loop.start", {"loop": "demo"}),
    ("step.start", {"occurrence": 1, "attempt": 1, "agent": "worker", "turn": 1}),
    ("agent.invoke", {"provider": "openai", "model": "m1"}),
    ("model.request", {"attempt": 1, "call": "model 1"}),
    ("model.response", {"attempt": 1, "call": "model 1", "token_usage": {"prompt_tokens": 5}}),
    ("tool.call", {"attempt": 1, "call": "tool 1", "tool": "bash"}),
    ("tool.call", {"tool": "own", "call_id": "x"}),
]
"""A run whose process is killed in the midst of two calls."""

GOES_ON: list[tuple[str, dict[str, Any]]] = [
    ("loop.resume", {"turn": 1}),
    ("step.start", {"occurrence": 1, "attempt": 1, "agent": "worker", "turn": 1}),
    ("agent.invoke", {"provider": "openai", "model": "m1"}),
    ("tool.call", {"attempt": 1, "call": "tool 1", "tool": "bash"}),
    ("tool.result", {"attempt": 1, "call": "tool 1", "tool": "bash"}),
    ("agent.response", {"attempt": 1, "output": "x", "token_usage": {"prompt_tokens": 5}}),
    ("step.complete", {"occurrence": 1, "attempt": 1}),
    ("loop.complete", {"reason": "goal_met"}),
]


async def test_an_attempt_that_a_crash_cut_is_one_span(lab: Lab, http: HttpReceiver) -> None:
    """An attempt that is made again after a crash is one span from its first beginning, and so is a call in it."""
    sender = lab.to(http).another().get("exporters", "otel")
    state = LoopState(run_id="r1", loop_name="demo")
    before = told(CRASH)
    await sender.send(state, before)
    assert [span.name for span in http.received] == ["chat m1"]
    await sender.send(state, told(CRASH + GOES_ON))

    assert http.tree() == [
        "invoke_workflow demo",
        "  step work",
        "    invoke_agent worker",
        "      chat m1",
        "      execute_tool bash",
        "      execute_tool own",
    ]
    tool, own = http.named("execute_tool bash")[0], http.named("execute_tool own")[0]
    assert tool.start_time_unix_nano == round(before[5].timestamp.timestamp() * 1e6) * 1000
    assert attributes(own)["loopengt.outcome"] == "unknown"
    assert "gen_ai.usage.input_tokens" not in attributes(http.named("invoke_agent worker")[0])


async def test_a_child_run_alone_is_refused(lab: Lab, http: HttpReceiver) -> None:
    """A child run belongs to its parent's trace: sent alone it would be there twice, so the parent is named."""
    result = await lab.to(http).run(rich(lab))
    _, recorded = await lab.recorded(result.run_id)
    child = next(event.run_id for event in recorded if event.run_id != result.run_id)
    with pytest.raises(ExportError, match="belong to that one's trace") as raised:
        await lab.export(child)
    assert f"loopengt export {result.run_id} --to otel" in raised.value.remedy
    assert not http.requests


async def answer(lab: Lab, run_id: str) -> None:
    """Approve what a run asks."""
    async with lab.another().storage() as storage:
        [question] = (await read_questions(storage, run_id)).questions
        await decide(storage, run_id, question, Answer(approved=True, by="ann"))
