"""Child runs that are broken off or stopped, together with their parents."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.models import EndReason

from .hanging import Hanging
from .subloop_kit import children, sub, told_to_stop, write_loop


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
    """The child ends cancelled, its agent too; what it had used counts, and the next attempt is a new child."""
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
    await told_to_stop(lab, row.run_id)
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
        await told_to_stop(lab, request.run_id)
        asked.set()
        return "x"

    kernel = lab.kernel(agents=ScriptedAgent(answer), poll_seconds=0.02)
    result = await asyncio.wait_for(run_loop(kernel, loop_spec(sub("part"))), 5)
    assert asked.is_set()
    assert result.end.reason is EndReason.STOPPED
    (row,) = await children(lab, result.run_id)
    assert row.run_id in result.end.detail


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
    assert planned.executes == "loop child.yaml: child, pattern sequential"
    assert [step.step for step in planned.steps] == ["a", "deep"]
    assert planned.steps[1].steps[0].executes == "answer from a script"
    assert set(loaded.loops) == {"child.yaml", "leaf.yaml"}
