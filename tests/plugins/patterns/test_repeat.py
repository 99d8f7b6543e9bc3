"""``repeat``: what a lap knows, and when it is good, with skipped steps, items and failures."""

from __future__ import annotations

from typing import Any

from loopengt.testing import loop_spec
from loopengt_hookspecs.errors import AgentError

Bench = Any

GOOD = {"name": "good", "condition": "output == 'good'"}


def spec(*steps: Any, **policy: Any) -> dict[str, Any]:
    """Make a loop of laps with the gate ``good``."""
    return loop_spec(*steps, pattern="repeat", policy={"verification_gates": [GOOD], **policy})


async def test_steps_follow_those_they_depend_on(bench: Bench) -> None:
    """In every lap, however they are declared."""
    gated = {"name": "gated", "dependencies": ["edit"], "verification_gates": ["good"]}
    _, agent = await bench.run(spec(gated, "edit"), edit=["1", "2"], gated=["bad", "good"])
    assert [request.step for request in agent.requests] == ["edit", "gated", "edit", "gated"]


async def test_a_skipped_step_does_not_make_its_failed_gate_good(bench: Bench) -> None:
    """A lap in which the failing step is skipped is not good, and hears of the failure again."""
    mend = {
        "name": "mend",
        "dependencies": [{"step_name": "plan", "condition": "output == 'go'"}],
        "verification_gates": ["good"],
    }
    result, agent = await bench.run(spec("plan", mend), plan=["go", "wait", "go"], mend=["bad", "good"])
    assert [request.step for request in agent.requests] == ["plan", "mend", "plan", "plan", "mend"]
    assert agent.requests[3].feedback == agent.requests[2].feedback != ""
    assert result.end == ("goal_met", "every gate of lap 3 passed")


async def test_the_gates_of_items_count(bench: Bench) -> None:
    """A lap is not good while the gate of one item fails, and the next lap hears of which."""
    each = {"name": "each", "for_each": "['x', 'y']", "verification_gates": ["good"]}
    answers = {"each[0]": ["good", "good"], "each[1]": ["bad", "good"]}
    result, agent = await bench.run(spec(each), **answers)
    assert result.end == ("goal_met", "every gate of lap 2 passed")
    assert agent.requests[2].feedback.startswith("[good] each[1]: ")


async def test_a_gate_that_is_tolerated_still_makes_no_good_lap(bench: Bench) -> None:
    """on_failure: continue lets the lap go on, but it is repeated."""
    gate = {**GOOD, "on_failure": "continue"}
    gated = {"name": "gated", "verification_gates": ["good"]}
    result, agent = await bench.run(
        spec(gated, "after", verification_gates=[gate]), gated=["bad", "good"], after=["1", "2"]
    )
    assert len(agent.requests) == 4
    assert result.end.reason == "goal_met"


async def test_fail_fast_ends_the_lap_and_not_the_run(bench: Bench) -> None:
    """Without it the rest of the lap is taken, but for what depends on the failed step."""
    steps = ("a", {"name": "b", "dependencies": ["a"]}, {"name": "c", "verification_gates": ["good"]})
    answers: dict[str, Any] = {"a": [AgentError("no luck"), "1"], "b": ["b"], "c": ["good", "good"]}
    _, agent = await bench.run(spec(*steps), **answers)
    assert [request.step for request in agent.requests] == ["a", "a", "b", "c"]
    result, agent = await bench.run(spec(*steps, fail_fast=False), **answers)
    assert [request.step for request in agent.requests] == ["a", "c", "a", "b", "c"]
    assert agent.requests[2].feedback == "no luck"
    assert result.end.reason == "goal_met"
