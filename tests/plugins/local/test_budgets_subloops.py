"""Budgets over steps that run a loop of their own: what the child uses counts in its parent while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import SpecError
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from pathlib import Path


def spend(_: object) -> AgentReply:
    """Answer for a hundred tokens and half a dollar."""
    return AgentReply("x", {"total_tokens": 100}, cost_usd=0.5, cost_source="reported")


def spender() -> ScriptedAgent:
    """An agent that uses the same at every call."""
    return ScriptedAgent(agents={"worker": spend})


def write_child(project: Path, *steps: str, **policy: Any) -> None:
    """Write the loop that the parent's step runs."""
    (project / "child.yaml").write_text(json.dumps(loop_spec(*steps, name="child", policy=policy)))


def parent(policy: dict[str, Any] | None = None, **step: Any) -> dict[str, Any]:
    """A loop whose first step runs the child, and whose second is its own."""
    return loop_spec({"name": "part", "loop": "child.yaml", **step}, "own", policy=policy or {})


@pytest.mark.parametrize("budget", [{"max_tokens": 300}, {"max_cost_usd": 1.5}])
@pytest.mark.parametrize("scope", ["run", "step"])
async def test_a_parents_budget_bounds_its_child(scope: str, budget: dict[str, float], lab: Any) -> None:
    """The child's fourth call is not made when its three have used up what the run, or the step, may use."""
    write_child(lab.project, "a", "b", "c", "d", "e")
    spec = parent({"budget": budget}) if scope == "run" else parent(budget=budget)
    agent = spender()
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.EXHAUSTED, result.end
    assert next(iter(budget)) in result.end.detail
    assert len(agent.requests) == 3


async def test_what_a_child_has_used_is_not_counted_twice(lab: Any) -> None:
    """A child of two calls leaves a budget of 300 tokens one more call, and not a second."""
    write_child(lab.project, "a", "b")
    agent = spender()
    result = await run_loop(lab.kernel(agents=agent), parent({"budget": {"max_tokens": 300}}))
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert (result.tokens, len(agent.requests)) == (300, 3)


async def test_a_childs_own_budget_is_its_own(lab: Any) -> None:
    """A child that is exhausted by a budget of its own has failed its step; the parent's is not touched."""
    write_child(lab.project, "a", "b", "c", budget={"max_tokens": 200})
    agent = spender()
    result = await run_loop(lab.kernel(agents=agent), parent({"budget": {"max_tokens": 900}}))
    assert result.end.reason is EndReason.FAILED, result.end
    assert "budget.max_tokens: 200 of 200" in result.end.detail
    assert len(agent.requests) == 2


async def test_children_side_by_side_share_their_parents_budget(lab: Any) -> None:
    """Three children with three calls each make five calls within 500 tokens, whoever makes them."""
    write_child(lab.project, "a", "b", "c")
    step = {"name": "each", "for_each": "[1, 2, 3]", "loop": "child.yaml"}
    policy = {"allow_parallel": True, "budget": {"max_tokens": 500}}
    agent = spender()
    result = await run_loop(lab.kernel(agents=agent), loop_spec(step, policy=policy))
    assert result.end.reason is EndReason.EXHAUSTED, result.end
    assert len(agent.requests) == 5


async def test_an_exhausted_parent_goes_on_in_its_child(lab: Any) -> None:
    """With more budget the child goes on where it was, and none of its finished steps is paid for again."""
    write_child(lab.project, "a", "b", "c")
    await run_loop(lab.kernel(agents=spender()), parent({"budget": {"max_tokens": 200}}), run_id="r")
    agent = spender()
    result = await resume_loop(lab.kernel(agents=agent), "r", add_budget={"tokens": 200})
    assert result.end.reason is EndReason.GOAL_MET, result.end
    assert [request.step for request in agent.requests] == ["c", "own"]
    assert result.tokens == 400


def test_a_child_of_unknown_cost_is_refused_when_the_parent_is_loaded(lab: Any) -> None:
    """A budget in US dollars of the parent names the child's agents that nobody knows the price of."""
    write_child(lab.project, "a")
    agent = ScriptedAgent()
    agent.reports_cost = False
    spec = parent({"budget": {"max_cost_usd": 1}})
    spec["agents"][0]["price"] = {"per_call_usd": 0.1}
    (lab.project / "loop.json").write_text(json.dumps(spec))
    with pytest.raises(SpecError, match=r"'worker' \(of child.yaml\) cost"):
        lab.kernel(agents=agent).load_spec(lab.project / "loop.json")
