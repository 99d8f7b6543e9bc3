"""Steps that run a loop of their own: what goes down, what comes back, and what stands in the journals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopengt import SpecError, UsageError
from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import EndReason

from .subloop_kit import sub, write_loop


def child_of(events: list[Any], step: str) -> str:
    """Return the child run that a step began last."""
    return str([e for e in events if e.type == "step.start" and e.step == step][-1].data["run"])


async def test_a_child_is_given_inputs_and_the_request_and_gives_its_output(lab: Any) -> None:
    """Inputs override the child's context or add to it, the prompt is its request, its output is the step's."""
    write_loop(
        lab.project,
        "child.yaml",
        {"name": "inner", "prompt_template": "{a} {b} {c} / {request}"},
        context={"a": 1, "b": 2},
    )
    agent = ScriptedAgent(steps={"first": ["one"], "inner": [{"answer": 42}], "last": ["done"]})
    step = sub("part", inputs={"b": "steps.first.output", "c": "context.top"}, prompt_template="Do {goal}")
    spec = loop_spec("first", step, {"name": "last", "prompt_template": "{steps.part.output.answer}"},
                     context={"top": "x"})  # fmt: skip
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert agent.asked("inner")[0].prompt == "1 one x / Do Show that it works."
    assert agent.asked("last")[0].prompt == "42"
    state = result.snapshot()
    child = child_of(await lab.events(result.run_id), "part")
    assert state.step_states["part"].result.metadata == {"run": child, "reason": "goal_met", "turns": 1}
    assert list(state.agent_states) == ["worker"]


async def test_a_child_has_a_journal_row_and_workspace_record_of_its_own(lab: Any) -> None:
    """Its id begins with its parent's, its row names the parent, and its workspace is the parent's, not its own."""
    write_loop(lab.project, "child.yaml", "inner")
    kernel = lab.kernel(agents=ScriptedAgent("x"))
    result = await run_loop(kernel, loop_spec(sub("part")))
    child = child_of(await lab.events(result.run_id), "part")
    assert child.startswith(f"{result.run_id}.")
    assert len(child) == len(result.run_id) + 9
    (row,) = [row for row in await lab.memory.rows() if row.run_id == child]
    assert (row.parent, row.status, row.owner) == (result.run_id, "completed", None)
    start = (await lab.events(child))[0].data
    assert start["workspace"] == {"path": str(lab.project), "kind": "parent"}
    assert (start["parent"], start["parent_step"]) == (result.run_id, "part")
    assert (await lab.types(child))[-1] == "loop.complete"


async def test_what_a_child_uses_counts_once_in_its_parent(lab: Any) -> None:
    """Tokens and cost of all the child's agents are those of the step, and unknown costs are unknown there, too."""
    write_loop(lab.project, "child.yaml", "a", "b", "c")
    answers = [
        AgentReply("x", {"prompt_tokens": 5, "completion_tokens": 2}, 0.25, "reported"),
        AgentReply("y", {"total_tokens": 10}, 0.5, "reported"),
        AgentReply("z", {"total_tokens": 1}),
    ]
    result = await run_loop(lab.kernel(agents=ScriptedAgent(*answers)), loop_spec(sub("part")))
    assert (result.tokens, result.cost_usd, result.unknown_costs) == (18, 0.75, 1)
    assert result.snapshot().step_states["part"].result.token_usage == {"total_tokens": 18}


async def test_a_child_that_fails_fails_the_attempt(lab: Any) -> None:
    """The error names the child, its reason and detail; it is not retried by itself, and what it used is counted."""
    write_loop(lab.project, "child.yaml", "a", "b")
    agent = ScriptedAgent(AgentReply("x", {"total_tokens": 7}, 0.5, "reported"), ValueError("broken"))
    result = await run_loop(lab.kernel(agents=agent), loop_spec(sub("part")))
    assert result.end.reason is EndReason.FAILED
    assert "failed: step 'b': ValueError: broken" in result.end.detail
    (error,) = [event for event in await lab.events(result.run_id) if event.type == "agent.error"]
    assert error.data["kinds"][0] == "SubLoopError"
    assert (result.tokens, result.cost_usd) == (7, 0.5)


async def test_a_retry_of_a_sub_loop_is_a_new_child(lab: Any) -> None:
    """With SubLoopError among the retryable errors another child run begins, and both are counted."""
    write_loop(lab.project, "child.yaml", "a")
    agent = ScriptedAgent(ValueError("broken"), AgentReply("fine", {"total_tokens": 3}, 0.0))
    policy = {"retry": {"initial_delay_seconds": 0, "retryable_errors": ["SubLoopError"]}}
    result = await run_loop(lab.kernel(agents=agent), loop_spec(sub("part"), policy=policy))
    assert result.end.reason is EndReason.GOAL_MET
    starts = [e.data["run"] for e in await lab.events(result.run_id) if e.type == "step.start"]
    assert len(set(starts)) == 2
    statuses = {row.run_id: row.status for row in await lab.memory.rows() if row.parent}
    assert [statuses[run] for run in starts] == ["failed", "completed"]


async def test_gates_of_the_step_check_the_childs_output_and_their_feedback_is_in_the_request(
    lab: Any,
) -> None:
    """A refused output is answered by a new child, whose request holds the gate's words."""
    write_loop(lab.project, "child.yaml", {"name": "inner", "prompt_template": "{request}"})
    agent = ScriptedAgent({"ok": False}, {"ok": True})
    lab.gates.verdicts["good"] = ["say yes", True]
    spec = loop_spec(
        sub("part", prompt_template="Try.", verification_gates=["good"]),
        policy={"verification_gates": [{"name": "good", "kind": "told"}]},
    )
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.GOAL_MET
    assert result.output == {"ok": True}
    first, second = (request.prompt for request in agent.requests)
    assert first == "Try."
    assert "[good] say yes" in second


async def test_every_lap_of_repeat_has_a_child_of_its_own(lab: Any) -> None:
    """Under repeat a lap begins a new child run, and the third one passes."""
    write_loop(lab.project, "child.yaml", "inner")
    lab.gates.verdicts["good"] = ["no", "no", True]
    spec = loop_spec(
        sub("part", verification_gates=["good"]),
        pattern="repeat",
        policy={"verification_gates": [{"name": "good", "kind": "told"}]},
    )
    result = await run_loop(lab.kernel(agents=ScriptedAgent(1, 2, 3)), spec)
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, 3)
    assert len([row for row in await lab.memory.rows() if row.parent == result.run_id]) == 3


async def test_loops_stand_three_deep(lab: Any) -> None:
    """Each knows its parent, paths are relative to the file that names them, and what is used counts up to the top."""
    write_loop(lab.project, "parts/middle.yaml", sub("deep", "deeper/bottom.yaml"))
    write_loop(lab.project, "parts/deeper/bottom.yaml", sub("deepest", "../leaf.yaml"))
    write_loop(lab.project, "parts/leaf.yaml", "work")
    agent = ScriptedAgent(AgentReply("found", {"total_tokens": 5}, 0.5, "reported"))
    result = await run_loop(lab.kernel(agents=agent), loop_spec(sub("part", "parts/middle.yaml")))
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "found")
    rows = {row.run_id: row for row in await lab.memory.rows()}
    assert len(rows) == 4
    assert {row.tokens for row in rows.values()} == {5}
    leaf = max(rows, key=len)
    assert rows[leaf].parent == leaf[:-9]
    assert agent.requests[0].run_id == leaf


async def test_for_each_runs_a_child_for_each_item_at_the_same_time(lab: Any) -> None:
    """Twenty children are under way together, each with its own item, and their outputs come in order."""
    write_loop(lab.project, "child.yaml", {"name": "inner", "prompt_template": "{n}"})
    together = asyncio.Barrier(20)

    async def answer(request: Any) -> Any:
        await together.wait()
        return int(request.prompt) * 2

    spec = loop_spec(
        sub("part", for_each="context.items", inputs={"n": "item"}),
        context={"items": list(range(20))},
        policy={"allow_parallel": True, "max_concurrency": 20, "max_turns": 50},
    )
    agent = ScriptedAgent(steps={"inner": [answer] * 20})
    result = await asyncio.wait_for(run_loop(lab.kernel(agents=agent), spec), 20)
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert result.output == [n * 2 for n in range(20)]
    assert len([row for row in await lab.memory.rows() if row.parent == result.run_id]) == 20


async def test_observers_see_the_childs_events_under_its_own_id(lab: Any) -> None:
    """One observer sees both runs; the child's first event names the parent's step as its parent."""
    write_loop(lab.project, "child.yaml", "inner")
    observer = RecordingObserver()
    result = await run_loop(
        lab.kernel(agents=ScriptedAgent("x")), loop_spec(sub("part")), observers=[observer]
    )
    child = child_of(await lab.events(result.run_id), "part")
    by_run = {run: [e for e in observer.events if e.run_id == run] for run in (result.run_id, child)}
    assert len(observer.events) == sum(map(len, by_run.values()))
    (begun,) = [e for e in by_run[result.run_id] if e.event_type == "step.start"]
    assert by_run[child][0].parent_event_id == begun.event_id
    assert by_run[child][-1].event_type == "loop.complete"
    assert observer.events[-1].run_id == result.run_id


async def test_inputs_that_have_no_value_end_the_run(lab: Any) -> None:
    """An expression that fails names the step and the input; nothing is begun."""
    write_loop(lab.project, "child.yaml", "inner")
    spec = loop_spec(sub("part", inputs={"n": "context.a + 1"}), context={"a": "text"})
    result = await run_loop(lab.kernel(agents=ScriptedAgent()), spec)
    assert result.end.reason is EndReason.FAILED
    assert "inputs.n of step 'part'" in result.end.detail
    assert [row.run_id for row in await lab.memory.rows()] == [result.run_id]


async def test_a_child_cannot_be_resumed_or_started_by_itself(lab: Any) -> None:
    """Resuming a child that rests is refused and names its parent; a circle of loops never begins."""
    write_loop(lab.project, "child.yaml", "inner")
    kernel = lab.kernel(agents=ScriptedAgent())  # no answers: the child waits for one to be mended
    result = await run_loop(kernel, loop_spec(sub("part")))
    child = child_of(await lab.events(result.run_id), "part")
    with pytest.raises(UsageError, match="goes on only with it"):
        await resume_loop(kernel, child)
    write_loop(lab.project, "child.yaml", sub("again"))
    with pytest.raises(SpecError, match="run in a circle"):
        await run_loop(kernel, loop_spec(sub("part")))


async def test_what_a_child_lacks_can_be_mended(lab: Any) -> None:
    """A child that fails for want of something leaves the parent resumable, which goes on in the same child."""
    write_loop(lab.project, "child.yaml", "a", "b")
    agent = ScriptedAgent(AgentReply("x", {"total_tokens": 4}, 0.5, "reported"))
    first = await run_loop(lab.kernel(agents=agent), loop_spec(sub("part"), "after"))
    assert (first.end.reason, first.can_resume) == (EndReason.FAILED, True)
    (lab.project / "child.yaml").unlink()  # the run knows it by heart
    again = ScriptedAgent(AgentReply("y", {"total_tokens": 3}, 0.25, "reported"), "after")
    result = await resume_loop(lab.kernel(agents=again), first.run_id)
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert [request.step for request in again.requests] == ["b", "after"]
    assert (result.tokens, result.cost_usd) == (7, 0.75)
    assert len([row for row in await lab.memory.rows() if row.parent]) == 1
