"""How long the engine waits before another attempt, and who decides it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import EndReason


async def delays(lab: Any, run_id: str) -> list[float]:
    """The delays that were written down before each retry."""
    return [event.data["delay"] for event in await lab.events(run_id) if event.type == "step.retry"]


def patient(**retry: Any) -> dict[str, Any]:
    """A loop whose policy waits a little."""
    return loop_spec(policy={"retry": {"initial_delay_seconds": 0.01, "jitter": False, **retry}})


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        ("constant", [0.01, 0.01, 0.01]),
        ("linear", [0.01, 0.02, 0.03]),
        ("exponential", [0.01, 0.02, 0.03]),
    ],
)
async def test_delays_grow_as_declared(backoff: str, expected: list[float], lab: Any) -> None:
    """Each kind of backoff gives its delays, capped, and the engine really waits them."""
    agent = ScriptedAgent(*[TimeoutError("slow")] * 3, "done")
    began = time.monotonic()
    result = await run_loop(lab.kernel(agents=agent), patient(backoff=backoff, max_delay_seconds=0.03))
    assert result.end.reason is EndReason.GOAL_MET
    assert await delays(lab, result.run_id) == expected
    assert time.monotonic() - began >= sum(expected) - 0.001


async def test_jitter_takes_away_up_to_a_half(lab: Any) -> None:
    """With jitter the delay lies between a half and the whole of what was computed."""
    agent = ScriptedAgent(*[TimeoutError("slow")] * 5, "done")
    spec = patient(backoff="constant", jitter=True, initial_delay_seconds=0.02, max_retries=5)
    result = await run_loop(lab.kernel(agents=agent), spec)
    found = await delays(lab, result.run_id)
    assert len(found) == 5
    assert all(0.01 <= delay <= 0.02 for delay in found)


async def test_an_agents_own_backoff_goes_before_the_policys(lab: Any) -> None:
    """backoff_seconds and backoff_multiplier of a role take the place of the policy's delays."""
    own = {"max_retries": 2, "backoff_seconds": 0.01, "backoff_multiplier": 3}
    role = {"name": "worker", "config": {"provider": "scripted"}, "retry": own}
    spec = loop_spec(agents=[role], policy={"retry": {"initial_delay_seconds": 30, "jitter": False}})
    agent = ScriptedAgent(*[TimeoutError("slow")] * 2, "done")
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert await delays(lab, result.run_id) == [0.01, 0.03]


@pytest.mark.parametrize(("named", "waited"), [(0.02, 0.02), (0.0, 0.0)])
async def test_a_service_may_name_the_delay(named: float, waited: float, lab: Any) -> None:
    """retry_after of an error goes before every backoff."""
    error = AgentError("busy", kind="RateLimit", retry_after=named)
    spec = patient(retryable_errors=["RateLimit"], initial_delay_seconds=30)
    result = await run_loop(lab.kernel(agents=ScriptedAgent(error, "done")), spec)
    assert result.end.reason is EndReason.GOAL_MET
    assert await delays(lab, result.run_id) == [waited]


@pytest.mark.parametrize(
    ("error", "named", "retried"),
    [
        (BrokenPipeError("pipe"), ["ConnectionError"], True),
        (BrokenPipeError("pipe"), ["OSError"], True),
        (BrokenPipeError("pipe"), ["BrokenPipeError"], True),
        (ValueError("wrong"), ["Exception"], True),
        (ValueError("wrong"), ["OSError"], False),
        (AgentError("x", kind="Overloaded", kinds=("ServerError",)), ["ServerError"], True),
        (AgentError("x", kind="Overloaded"), ["AgentError"], True),
        (TimeoutError("slow"), [], False),
    ],
)
async def test_errors_are_matched_by_the_names_of_their_classes(
    error: Exception, named: list[str], retried: bool, lab: Any
) -> None:
    """A base class stands for all below it, and an agent may give further names."""
    agent = ScriptedAgent(error, "done")
    await run_loop(lab.kernel(agents=agent), patient(retryable_errors=named))
    assert len(agent.requests) == (2 if retried else 1)


async def test_what_is_left_of_a_delay_is_waited_after_a_crash(lab: Any, dying: Any, killed: Any) -> None:
    """A run that dies while it waits goes on waiting, no longer than it had to."""
    spec = patient(initial_delay_seconds=0.3, backoff="constant")
    storage = dying(lab.memory, at=3, durable=False)  # the creation, the retry, and what comes after it
    began = time.monotonic()
    with pytest.raises(killed):
        await run_loop(
            lab.kernel(storage=storage, agents=ScriptedAgent(TimeoutError("slow"), "lost")), spec, run_id="r"
        )
    assert time.monotonic() - began >= 0.3
    await storage.bury()
    agent = ScriptedAgent("done")
    assert (await resume_loop(lab.kernel(agents=agent), "r")).end.reason is EndReason.GOAL_MET
    events = await lab.events("r")
    resumed = next(event.at for event in events if event.type == "loop.resume")
    assert next(event.at for event in events if event.seq > 5 and event.type == "step.start") - resumed < 0.25
    assert agent.requests[0].attempt == 2
    assert agent.requests[0].feedback == "TimeoutError: slow"


async def test_a_step_time_limit_goes_before_the_agents(lab: Any) -> None:
    """timeout_seconds of the step counts; without one, that of the agent."""

    async def hang(_: object) -> str:
        await asyncio.Event().wait()
        return ""

    role = {"name": "worker", "config": {"provider": "scripted"}, "timeout_seconds": 0.05}
    steps = [{"name": "own", "timeout_seconds": 0.08}, {"name": "agents"}]
    spec = loop_spec(*steps, agents=[role], policy={"fail_fast": False, "retry": {"max_retries": 0}})
    result = await run_loop(lab.kernel(agents=ScriptedAgent(hang, hang)), spec)
    states = result.snapshot().step_states
    assert "its 0.08 seconds" in states["own"].result.error
    assert "its 0.05 seconds" in states["agents"].result.error


async def test_gates_and_errors_share_the_attempts(lab: Any) -> None:
    """max_retries bounds the attempts of an execution, whatever made each of them fail."""
    gate = {"name": "good", "condition": "output == 'good'"}
    step = {"name": "work", "verification_gates": ["good"]}
    retry = {"max_retries": 2, "initial_delay_seconds": 0}
    agent = ScriptedAgent("bad", TimeoutError("slow"), "bad", "good")
    spec = loop_spec(step, policy={"verification_gates": [gate], "retry": retry})
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.BLOCKED
    assert len(agent.requests) == 3
    assert result.snapshot().step_states["work"].attempts == 3


async def test_tokens_of_all_attempts_are_counted(lab: Any) -> None:
    """What a rejected attempt used was used all the same."""
    gate = {"name": "good", "condition": "output == 'good'"}
    step = {"name": "work", "verification_gates": ["good"]}
    replies = [AgentReply(text, {"prompt_tokens": 5, "completion_tokens": 2}) for text in ("bad", "good")]
    spec = loop_spec(step, policy={"verification_gates": [gate]})
    result = await run_loop(lab.kernel(agents=ScriptedAgent(*replies)), spec)
    assert result.tokens == 14
    state = result.snapshot()
    assert state.step_states["work"].result.token_usage == {"prompt_tokens": 10, "completion_tokens": 4}
    assert (state.agent_states["worker"].invocations, state.agent_states["worker"].total_tokens) == (2, 14)
