"""Child runs that are broken off, stopped, asked or short of budget, together with their parents."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from loopengt.approvals import Answer, decide
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from pathlib import Path


def write_loop(project: Path, name: str, *steps: Any, **fields: Any) -> None:
    """Write a loop's file into a project."""
    (project / name).write_text(json.dumps(loop_spec(*steps, **{"name": name, **fields})))


def sub(name: str, loop: str = "child.yaml", **fields: Any) -> dict[str, Any]:
    """Declare a step that runs a loop."""
    return {"name": name, "loop": loop, **fields}


class Hanging:
    """An answer that never comes; it tells when it was asked for and when it was cancelled."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.cancelled = False

    async def __call__(self, _: object) -> Any:
        """Hang."""
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def children(lab: Any, parent: str) -> list[Any]:
    """Return the rows of a run's children."""
    return [row for row in await lab.memory.rows() if row.parent == parent]


async def test_interrupting_the_parent_pauses_the_child_and_resuming_goes_on_in_it(lab: Any) -> None:
    """Both rest as interrupted; resumed, the child's completed step is not executed again."""
    write_loop(lab.project, "child.yaml", "a", "b")
    hanging = Hanging()
    kernel = lab.kernel(agents=ScriptedAgent("first", hanging))
    spec = loop_spec(sub("part"))
    running = asyncio.create_task(run_loop(kernel, spec, run_id="top"))
    await hanging.asked.wait()
    kernel.engine().interrupt("top")
    result = await asyncio.wait_for(running, 2)
    assert result.end.reason is EndReason.INTERRUPTED
    assert hanging.cancelled
    (row,) = await children(lab, "top")
    assert (row.reason, row.owner) == ("interrupted", None)
    again = ScriptedAgent("second")
    result = await resume_loop(lab.kernel(agents=again), "top")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "second")
    assert [request.step for request in again.requests] == ["b"]
    assert len(await children(lab, "top")) == 1


async def test_interrupting_all_runs_of_an_engine_is_resumable_three_deep(lab: Any) -> None:
    """With three runs one within the other each pauses, and the innermost goes on where it was."""
    write_loop(lab.project, "child.yaml", sub("deep", "leaf.yaml"))
    write_loop(lab.project, "leaf.yaml", "a", "b")
    hanging = Hanging()
    kernel = lab.kernel(agents=ScriptedAgent("first", hanging))
    running = asyncio.create_task(run_loop(kernel, loop_spec(sub("part")), run_id="top"))
    await hanging.asked.wait()
    kernel.engine().interrupt()
    assert (await asyncio.wait_for(running, 2)).end.reason is EndReason.INTERRUPTED
    assert {row.reason for row in await lab.memory.rows()} == {"interrupted"}
    again = ScriptedAgent("second")
    result = await resume_loop(lab.kernel(agents=again), "top")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "second")
    assert len(await lab.memory.rows()) == 3


async def test_the_timeout_of_the_step_cancels_the_child(lab: Any) -> None:
    """The child ends cancelled, its agent too; what it had used is the attempt's, and the next attempt is a new child."""
    write_loop(lab.project, "child.yaml", "a", "b")
    hanging = Hanging()
    used = AgentReply("x", {"total_tokens": 5}, 0.5, "reported")
    agent = ScriptedAgent(used, hanging, used, "done")
    result = await run_loop(lab.kernel(agents=agent), loop_spec(sub("part", timeout_seconds=0.2)))
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert hanging.cancelled
    assert (result.tokens, result.cost_usd) == (10, 1.0)
    assert sorted(row.status for row in await children(lab, result.run_id)) == ["cancelled", "completed"]


async def test_the_parents_time_limit_ends_the_child(lab: Any) -> None:
    """The run ends exhausted, not failed, and its child ends with it; with more time it goes on in that child."""
    write_loop(lab.project, "child.yaml", "a", "b")
    hanging = Hanging()
    spec = loop_spec(sub("part"), policy={"max_total_time_seconds": 0.3})
    result = await run_loop(lab.kernel(agents=ScriptedAgent("x", hanging)), spec)
    assert result.end.reason is EndReason.EXHAUSTED
    assert "time limit" in result.end.detail
    (row,) = await children(lab, result.run_id)
    assert (row.status, row.owner) == ("cancelled", None)
    header = (await lab.events(row.run_id))[0].data
    assert header["limits"]["max_total_time_seconds"] <= 0.3
    again = ScriptedAgent("y")
    result = await resume_loop(lab.kernel(agents=again), result.run_id, add_budget={"seconds": 60})
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "y")
    assert len(await children(lab, result.run_id)) == 1


async def test_cancelling_whoever_awaits_the_parent_ends_the_child(lab: Any) -> None:
    """Both journals say cancelled, and nothing is left running."""
    write_loop(lab.project, "child.yaml", "a")
    hanging = Hanging()
    running = asyncio.create_task(
        run_loop(lab.kernel(agents=ScriptedAgent(hanging)), loop_spec(sub("part")), run_id="top")
    )
    await hanging.asked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert hanging.cancelled
    assert {row.status for row in await lab.memory.rows()} == {"cancelled"}
    assert {row.owner for row in await lab.memory.rows()} == {None}


async def test_a_failing_sibling_ends_a_child_under_fail_fast(lab: Any) -> None:
    """The other branch's failure cancels the child; the run's end is the failure."""
    write_loop(lab.project, "child.yaml", "a")
    hanging = Hanging()

    async def fail(_: object) -> Any:
        await hanging.asked.wait()
        raise ValueError("broken")

    agent = ScriptedAgent(steps={"a": [hanging], "other": [fail]})
    spec = loop_spec(sub("part"), "other", pattern="parallel_fan_out")
    result = await asyncio.wait_for(run_loop(lab.kernel(agents=agent), spec), 5)
    assert result.end.reason is EndReason.FAILED
    assert "broken" in result.end.detail
    (row,) = await children(lab, result.run_id)
    assert (row.status, row.detail) == ("cancelled", f"cancelled with step 'part' of run {result.run_id}")


async def test_stopping_the_parent_stops_the_child_before_its_next_turn(lab: Any) -> None:
    """The turn under way is finished, then both end as stopped, with the same words."""
    write_loop(lab.project, "child.yaml", "a", "b")
    asked, go = asyncio.Event(), asyncio.Event()

    async def answer(_: object) -> str:
        asked.set()
        await go.wait()
        return "finished"

    kernel = lab.kernel(agents=ScriptedAgent(answer), poll_seconds=0.02)
    running = asyncio.create_task(run_loop(kernel, loop_spec(sub("part")), run_id="top"))
    await asked.wait()
    await lab.memory.signal("top", {"type": "stop", "comment": "enough"})
    (row,) = await children(lab, "top")
    while "loop.stop" not in await lab.types(row.run_id):
        await asyncio.sleep(0.01)
    go.set()
    result = await asyncio.wait_for(running, 5)
    assert result.end == (EndReason.STOPPED, "enough")
    (row,) = await children(lab, "top")
    assert (row.reason, row.detail, row.turn) == ("stopped", "enough", 1)


async def test_stopping_at_once_ends_both(lab: Any) -> None:
    """A stop that does not wait for the turn ends the child's agent, and both runs as stopped."""
    write_loop(lab.project, "child.yaml", "a")
    hanging = Hanging()
    kernel = lab.kernel(agents=ScriptedAgent(hanging), poll_seconds=0.02)
    running = asyncio.create_task(run_loop(kernel, loop_spec(sub("part")), run_id="top"))
    await hanging.asked.wait()
    await lab.memory.signal("top", {"type": "stop", "now": True})
    assert (await asyncio.wait_for(running, 2)).end.reason is EndReason.STOPPED
    assert hanging.cancelled
    assert {row.reason for row in await lab.memory.rows()} == {"stopped"}


async def test_a_child_that_is_stopped_by_itself_stops_its_parent(lab: Any) -> None:
    """A person who stops the child has stopped the work; the parent says which child it was."""
    write_loop(lab.project, "child.yaml", "a", "b")
    asked = asyncio.Event()

    async def answer(request: Any) -> str:
        await lab.memory.signal(request.run_id, {"type": "stop"})
        while "loop.stop" not in await lab.types(request.run_id):
            await asyncio.sleep(0.01)
        asked.set()
        return "x"

    kernel = lab.kernel(agents=ScriptedAgent(answer), poll_seconds=0.02)
    result = await asyncio.wait_for(run_loop(kernel, loop_spec(sub("part"))), 5)
    assert asked.is_set()
    assert result.end.reason is EndReason.STOPPED
    (row,) = await children(lab, result.run_id)
    assert row.run_id in result.end.detail


async def test_the_parents_budget_bounds_the_child(lab: Any) -> None:
    """The child's attempts are refused when the parent's tokens are used up; the parent ends exhausted, and more helps."""
    write_loop(lab.project, "child.yaml", "a", "b", "c")
    used = AgentReply("x", {"total_tokens": 60}, 0.0, "reported")
    spec = loop_spec(sub("part"), "after", policy={"budget": {"max_tokens": 100}})
    result = await run_loop(lab.kernel(agents=ScriptedAgent(used, used)), spec)
    assert result.end.reason is EndReason.EXHAUSTED
    assert "budget.max_tokens: 120 of 100 tokens are used" in result.end.detail
    again = ScriptedAgent(used, used)
    result = await resume_loop(lab.kernel(agents=again), result.run_id, add_budget={"tokens": 200})
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert [request.step for request in again.requests] == ["c", "after"]
    assert result.tokens == 240
    assert len(await children(lab, result.run_id)) == 1


async def test_a_budget_of_the_childs_own_fails_the_step(lab: Any) -> None:
    """A child that exhausts its own budget has not reached its goal: the attempt fails with SubLoopError."""
    write_loop(lab.project, "child.yaml", "a", "b", policy={"budget": {"max_tokens": 50}})
    used = AgentReply("x", {"total_tokens": 60}, 0.0, "reported")
    result = await run_loop(lab.kernel(agents=ScriptedAgent(used)), loop_spec(sub("part")))
    assert result.end.reason is EndReason.FAILED
    assert "exhausted: budget.max_tokens: 60 of 50 tokens are used" in result.end.detail
    assert result.tokens == 60


async def test_concurrent_children_share_the_parents_budget(lab: Any) -> None:
    """Ten children with attempts of a declared size never go beyond the parent's tokens together."""
    agents = [{"name": "worker", "config": {"provider": "scripted", "max_tokens": 90}}]
    write_loop(
        lab.project, "child.yaml", {"name": "inner", "prompt_template": "p" * 40}, agents=agents
    )
    spec = loop_spec(
        sub("part", for_each="context.items"),
        context={"items": list(range(10))},
        policy={"allow_parallel": True, "max_concurrency": 10, "budget": {"max_tokens": 450}},
    )
    most = 0
    under_way = 0

    async def answer(_: object) -> Any:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return AgentReply("x", {"total_tokens": 100}, 0.0, "reported")

    agent = ScriptedAgent(steps={"inner": [answer] * 10})
    result = await asyncio.wait_for(run_loop(lab.kernel(agents=agent), spec), 10)
    assert result.end.reason is EndReason.EXHAUSTED
    assert len(agent.requests) == 4
    assert most == 4


def approving(**fields: Any) -> dict[str, Any]:
    """Declare a policy with an approval gate."""
    return {"verification_gates": [{"name": "ok", "kind": "approval", **fields}]}


async def test_a_childs_question_pauses_the_parent_and_an_answer_goes_to_the_child(lab: Any) -> None:
    """The parent asks what the child asks; the decision stands in both journals, and no agent is asked again."""
    write_loop(
        lab.project, "child.yaml", {"name": "a", "verification_gates": ["ok"]}, "b", policy=approving()
    )
    first = await run_loop(lab.kernel(agents=ScriptedAgent("x")), loop_spec(sub("part")), run_id="top")
    assert first.end.reason is EndReason.APPROVAL_REQUIRED
    (question,) = first.questions
    (row,) = await children(lab, "top")
    assert (question["kind"], question["run"], row.reason) == ("subloop", row.run_id, "approval_required")
    async with lab.kernel(agents=ScriptedAgent()).storage() as storage:
        await decide(storage, "top", question["id"], Answer(True, "ann@host"))
    for run in ("top", row.run_id):
        assert [e.data["decision"] for e in await lab.events(run) if e.type == "approval.decision"] == ["approved"]
    again = ScriptedAgent("y")
    result = await resume_loop(lab.kernel(agents=again), "top")
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert [request.step for request in again.requests] == ["b"]
    assert not result.questions


async def test_a_question_three_deep_is_answered_at_the_top(lab: Any) -> None:
    """Every run on the way asks it, and one answer at the top reaches the innermost."""
    write_loop(lab.project, "child.yaml", sub("deep", "leaf.yaml"))
    write_loop(lab.project, "leaf.yaml", {"name": "a", "verification_gates": ["ok"]}, policy=approving())
    first = await run_loop(lab.kernel(agents=ScriptedAgent("x")), loop_spec(sub("part")), run_id="top")
    assert first.end.reason is EndReason.APPROVAL_REQUIRED
    async with lab.kernel(agents=ScriptedAgent()).storage() as storage:
        await decide(storage, "top", first.questions[0]["id"], Answer(True, "ann@host"))
    result = await resume_loop(lab.kernel(agents=ScriptedAgent()), "top")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "x")


async def test_a_timed_out_question_of_a_child_is_gone_with_its_attempt(lab: Any) -> None:
    """An approval that nobody gives in time is rejected in the child; the parent asks nothing when it has ended."""
    gate = approving(timeout_seconds=0.1, on_failure="abort")
    write_loop(lab.project, "child.yaml", {"name": "a", "verification_gates": ["ok"]}, policy=gate)

    async def wait(request: Any) -> str:
        (row,) = await children(lab, request.run_id)
        while not row.completed_at:
            await asyncio.sleep(0.01)
            (row,) = await children(lab, request.run_id)
        return "done"

    agent = ScriptedAgent(steps={"a": ["x"], "other": [wait]})
    spec = loop_spec(sub("part"), "other", pattern="parallel_fan_out", policy={"fail_fast": False})
    result = await asyncio.wait_for(run_loop(lab.kernel(agents=agent), spec), 5)
    assert result.end.reason in (EndReason.FAILED, EndReason.BLOCKED)
    assert not result.questions


async def test_a_step_that_takes_effect_once_is_not_asked_about_when_it_is_a_loop(lab: Any) -> None:
    """The child's journal knows what was done: a resumed run goes on in it without a question."""
    write_loop(lab.project, "child.yaml", "a", "b")
    hanging = Hanging()
    kernel = lab.kernel(agents=ScriptedAgent("x", hanging))
    running = asyncio.create_task(run_loop(kernel, loop_spec(sub("part", effects="once")), run_id="top"))
    await hanging.asked.wait()
    kernel.engine().interrupt("top")
    await asyncio.wait_for(running, 2)
    result = await resume_loop(lab.kernel(agents=ScriptedAgent("y")), "top")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "y")


async def test_a_plan_shows_the_steps_of_the_loops_below(lab: Any) -> None:
    """The plan of a step with a loop names the file and holds the plans of its steps."""
    write_loop(lab.project, "child.yaml", "a", sub("deep", "leaf.yaml"))
    write_loop(lab.project, "leaf.yaml", "b")
    kernel = lab.kernel(agents=ScriptedAgent())
    (lab.project / "loop.json").write_text(json.dumps(loop_spec(sub("part"))))
    loaded = kernel.load_spec(lab.project / "loop.json")
    async with kernel.storage():
        (planned,) = kernel.engine().plan(RunRequest(loaded.spec, source=loaded.path))
    assert planned.executes == "loop child.yaml: child.yaml, pattern sequential"
    assert [step.step for step in planned.steps] == ["a", "deep"]
    assert planned.steps[1].steps[0].executes == "answer from a script"
    assert set(loaded.loops) == {"child.yaml", "leaf.yaml"}
