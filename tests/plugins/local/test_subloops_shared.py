"""What child runs share with their parents: budgets, and the questions to people."""

from __future__ import annotations

import asyncio
from typing import Any

from loopengt.approvals import Answer, decide
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import EndReason

from .subloop_kit import at_an_end, children, sub, write_loop


async def test_the_parents_budget_bounds_the_child(lab: Any) -> None:
    """The child gets no more when the parent's tokens are used up; the parent ends exhausted, and adding helps."""
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
    write_loop(lab.project, "child.yaml", {"name": "inner", "prompt_template": "p" * 40}, agents=agents)
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
        assert [e.data["decision"] for e in await lab.events(run) if e.type == "approval.decision"] == [
            "approved"
        ]
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
        await at_an_end(lab, request.run_id)
        return "done"

    agent = ScriptedAgent(steps={"a": ["x"], "other": [wait]})
    spec = loop_spec(sub("part"), "other", pattern="parallel_fan_out", policy={"fail_fast": False})
    result = await asyncio.wait_for(run_loop(lab.kernel(agents=agent), spec), 5)
    assert result.end.reason in (EndReason.FAILED, EndReason.BLOCKED)
    assert not result.questions


async def test_what_a_resting_child_has_used_is_in_its_parents_totals(lab: Any) -> None:
    """A paused run tells what its open child, two loops down, has used; resumed, nothing counts twice."""
    write_loop(lab.project, "child.yaml", sub("deep", "leaf.yaml"))
    write_loop(lab.project, "leaf.yaml", {"name": "a", "verification_gates": ["ok"]}, policy=approving())
    used = AgentReply("x", {"total_tokens": 60}, 0.5, "reported")
    kernel = lab.kernel(agents=ScriptedAgent(used, used))
    first = await run_loop(kernel, loop_spec("before", sub("part")), run_id="top")
    assert (first.tokens, first.cost_usd) == (120, 1.0)
    assert {row.run_id.count("."): row.tokens for row in await lab.memory.rows()} == {0: 120, 1: 60, 2: 60}
    for _ in range(2):
        again = await resume_loop(lab.kernel(agents=ScriptedAgent()), "top")
        assert (again.end.reason, again.tokens) == (EndReason.APPROVAL_REQUIRED, 120)
    async with lab.kernel(agents=ScriptedAgent()).storage() as storage:
        await decide(storage, "top", first.questions[0]["id"], Answer(True, "ann@host"))
    result = await resume_loop(lab.kernel(agents=ScriptedAgent()), "top")
    assert (result.end.reason, result.tokens, result.cost_usd) == (EndReason.GOAL_MET, 120, 1.0)
    (row,) = [row for row in await lab.memory.rows() if row.run_id == "top"]
    assert row.tokens == 120
