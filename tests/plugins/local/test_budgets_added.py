"""Exhausted runs are given more, and budgets survive a crash."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.models import EndReason


def spend(_: object) -> AgentReply:
    """Answer for a hundred tokens and half a dollar."""
    usage = {"prompt_tokens": 60, "completion_tokens": 40}
    return AgentReply("x", usage, cost_usd=0.5, cost_source="reported")


def spender() -> ScriptedAgent:
    """An agent that uses the same at every call."""
    return ScriptedAgent(agents={"worker": spend})


def budgeted(**budget: float) -> dict[str, Any]:
    """A loop that repeats its one step for ever, with a budget of the run."""
    return loop_spec(pattern="repeat", policy={"budget": budget})


async def test_a_crash_between_reservation_and_debit(lab: Any, dying: Any, killed: Any) -> None:
    """An attempt of which nothing became durable is made again; what did become durable stays debited."""
    spec = budgeted(max_tokens=300)
    storage = dying(lab.memory, at=3, durable=False)
    with pytest.raises(killed):
        await run_loop(lab.kernel(storage=storage, agents=spender()), spec, run_id="r")
    await storage.bury()
    agent = spender()
    result = await resume_loop(lab.kernel(agents=agent), "r")
    assert result.end.reason is EndReason.EXHAUSTED
    assert (result.tokens, len(agent.requests)) == (300, 2)


@pytest.mark.parametrize(
    ("budget", "added", "calls"),
    [
        ({"max_tokens": 200}, {"tokens": 200}, 2),
        ({"max_cost_usd": 1.0}, {"cost_usd": 1.0}, 2),
        ({"max_turns": 2}, {"turns": 3}, 3),
    ],
)
async def test_an_exhausted_run_goes_on_with_more(
    budget: dict[str, float], added: dict[str, float], calls: int, lab: Any
) -> None:
    """What is added counts at once, is kept in the journal, and is a limit again."""
    spec = budgeted(**budget)
    first = await run_loop(lab.kernel(agents=spender()), spec, run_id="r")
    assert first.end.reason is EndReason.EXHAUSTED
    same = await resume_loop(lab.kernel(agents=spender()), "r")
    assert same.end == first.end
    agent = spender()
    second = await resume_loop(lab.kernel(agents=agent), "r", add_budget=added)
    assert second.end.reason is EndReason.EXHAUSTED
    assert len(agent.requests) == calls
    events = await lab.events("r")
    assert [event.data["added"] for event in events if event.type == "budget.add"] == [added]
    limits = [event.data["limits"] for event in events if event.type in ("loop.start", "loop.resume")]
    (name,) = budget
    assert limits[1][name] == limits[0][name] + next(iter(added.values()))


async def test_too_little_is_not_enough(lab: Any) -> None:
    """A run that has overdrawn its budget by 50 needs more than 50 to go on, and says so."""
    await run_loop(lab.kernel(agents=spender()), budgeted(max_tokens=150), run_id="r")
    agent = spender()
    result = await resume_loop(lab.kernel(agents=agent), "r", add_budget={"tokens": 20})
    assert result.end.reason is EndReason.EXHAUSTED
    assert result.end.detail == "budget.max_tokens: 200 of 170 tokens are used, 30 too many"
    assert agent.requests == []


async def test_time_can_be_added(lab: Any) -> None:
    """A run that was ended by its time limit takes up the attempt that was cut off, and has the time added."""

    async def hang(_: object) -> str:
        await asyncio.Event().wait()
        return ""

    spec = loop_spec(policy={"budget": {"max_seconds": 0.2}})
    first = await run_loop(lab.kernel(agents=ScriptedAgent(hang)), spec, run_id="r")
    assert first.end.reason is EndReason.EXHAUSTED
    assert "time limit" in first.end.detail
    short = await resume_loop(lab.kernel(agents=ScriptedAgent(hang)), "r", add_budget={"seconds": 0.1})
    assert short.end.reason is EndReason.EXHAUSTED
    done = await resume_loop(lab.kernel(agents=ScriptedAgent("done")), "r", add_budget={"seconds": 60})
    assert done.end.reason is EndReason.GOAL_MET


@pytest.mark.parametrize(("kind", "value", "added"), [("max_turns", 2, "turns"), ("timeout", 0.2, "seconds")])
async def test_stop_conditions_that_are_limits_are_raised_too(
    kind: str, value: float, added: str, lab: Any
) -> None:
    """Turns and time limited by a stop condition can be added as those of the policy."""

    async def slow(request: AgentRequest) -> AgentReply:
        await asyncio.sleep(0.15 if kind == "timeout" else 0)
        return spend(request)

    stop = [{"condition_type": kind, "value": value}]
    spec = loop_spec(pattern="repeat", policy={"max_turns": 4}, stop_conditions=stop)
    first = await run_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": slow})), spec, run_id="r")
    assert first.end.reason is EndReason.EXHAUSTED
    agent = spender()
    await resume_loop(lab.kernel(agents=agent), "r", add_budget={added: 2 if added == "turns" else 60})
    assert len(agent.requests) >= 2


async def test_more_survives_a_crash(lab: Any, dying: Any, killed: Any) -> None:
    """What was added before a crash is not lost and not added twice."""
    await run_loop(lab.kernel(agents=spender()), budgeted(max_tokens=200), run_id="r")
    storage = dying(lab.memory, at=3, durable=True)
    with pytest.raises(killed):
        await resume_loop(lab.kernel(storage=storage, agents=spender()), "r", add_budget={"tokens": 300})
    await storage.bury()
    agent = spender()
    result = await resume_loop(lab.kernel(agents=agent), "r")
    assert result.end.reason is EndReason.EXHAUSTED
    assert result.tokens == 500


async def test_only_what_was_executed_is_held_against_the_limits(lab: Any) -> None:
    """A replay checks no limit: a run of three turns is resumed at one of four with nothing asked again."""
    spec = budgeted(max_tokens=300)
    await run_loop(lab.kernel(agents=spender()), spec, run_id="r")
    agent = spender()
    await resume_loop(lab.kernel(agents=agent), "r", add_budget={"tokens": 1})
    assert [request.occurrence for request in agent.requests] == [4]
