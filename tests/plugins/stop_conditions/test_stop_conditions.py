"""The built-in stop conditions: each ends a run for its own reason, before the next turn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.engines import RunResult


def run(tmp_path: Path, agent: ScriptedAgent, *stops: dict[str, Any], **fields: Any) -> RunResult:
    """Run a repeating loop of one step with stop conditions."""
    spec = loop_spec(*fields.pop("steps", ()), pattern="repeat", stop_conditions=list(stops), **fields)
    return run_loop_sync(make_kernel(tmp_path, agents=agent), spec)


def endless() -> ScriptedAgent:
    """An agent that counts its turns."""
    return ScriptedAgent(
        steps={"work": lambda request: {"n": request.occurrence, "score": request.occurrence / 10}}
    )


def test_max_turns(tmp_path: Path) -> None:
    """After so many turns the run is exhausted, and the end names the condition."""
    agent = endless()
    result = run(tmp_path, agent, {"condition_type": "max_turns", "value": 3})
    assert result.end.reason == "exhausted"
    assert "max_turns" in result.end.detail
    assert len(agent.requests) == 3


def test_the_policy_limits_turns_without_any_condition(tmp_path: Path) -> None:
    """A loop that declares no stop condition is bounded by policy.max_turns, 50 unless it says otherwise."""
    agent = endless()
    assert run(tmp_path, agent).end.reason == "exhausted"
    assert len(agent.requests) == 50


def test_goal_met_with_an_expression(tmp_path: Path) -> None:
    """The run ends goal_met once the expression holds."""
    agent = endless()
    result = run(tmp_path, agent, {"condition_type": "goal_met", "value": "steps.work.output.n >= 4"})
    assert result.end.reason == "goal_met"
    assert len(agent.requests) == 4


def test_goal_met_does_not_hold_while_a_gate_fails(tmp_path: Path) -> None:
    """An expression that is true cannot make a success of a run whose last gate failed."""
    agent = endless()
    gate = {"name": "tenth", "condition": "output.n >= 10"}
    step = {"name": "work", "verification_gates": ["tenth"]}
    goal = {"condition_type": "goal_met", "value": "steps.work.output.n >= 2"}
    result = run(tmp_path, agent, goal, steps=[step], policy={"verification_gates": [gate]})
    assert result.end.reason == "goal_met"
    assert len(agent.requests) == 10


def test_quality_threshold(tmp_path: Path) -> None:
    """The run ends goal_met once the last output scores high enough."""
    agent = endless()
    result = run(tmp_path, agent, {"condition_type": "quality_threshold", "value": 0.5})
    assert result.end.reason == "goal_met"
    assert len(agent.requests) == 5


def test_custom(tmp_path: Path) -> None:
    """A custom expression stops the run, which is neither success nor failure, and its description says why."""
    stop = {"condition_type": "custom", "value": "run.turn == 2", "description": "two are plenty"}
    result = run(tmp_path, endless(), stop)
    assert result.end.reason == "stopped"
    assert result.end.reason.exit_code == 3
    assert "two are plenty" in result.end.detail


def test_timeout_cancels_a_step_under_way(tmp_path: Path) -> None:
    """When the seconds are over, the agent is cancelled and the run is exhausted."""
    cancelled = []

    async def hang(_: object) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return ""

    result = run(tmp_path, ScriptedAgent(hang), {"condition_type": "timeout", "value": 0.2})
    assert result.end.reason == "exhausted"
    assert "0.2 seconds" in result.end.detail
    assert cancelled == [True]


def test_the_first_condition_that_fires_is_named(tmp_path: Path) -> None:
    """With several, the end carries the one that ended the run."""
    stops = [
        {"condition_type": "max_turns", "value": 9},
        {"condition_type": "custom", "value": "run.turn >= 2"},
    ]
    result = run(tmp_path, endless(), *stops)
    assert result.end.detail.startswith("stop condition custom")


def test_manual_needs_a_person(tmp_path: Path) -> None:
    """The manual condition never fires by itself."""
    result = run(
        tmp_path, endless(), {"condition_type": "manual"}, {"condition_type": "max_turns", "value": 2}
    )
    assert "max_turns" in result.end.detail
