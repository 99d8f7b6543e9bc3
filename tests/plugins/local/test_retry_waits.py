"""Waits before further attempts: rate limits that are no attempts, delays that a service names, and their bounds."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentRequest
from loopengt_hookspecs.errors import AgentError, RateLimited
from loopengt_hookspecs.models import EndReason


def limited(seconds: float | None) -> RateLimited:
    """A service that takes nothing more for a while."""
    return RateLimited("slow down", retry_after=seconds)


async def retries(lab: Any, run_id: str) -> list[dict[str, Any]]:
    """The data of the events before each further attempt."""
    return [event.data for event in await lab.events(run_id) if event.type == "step.retry"]


async def test_waiting_for_a_rate_limit_is_no_attempt(lab: Any) -> None:
    """The same attempt is made again after the time named, also where no retry is allowed at all."""
    agent = ScriptedAgent(limited(0.05), limited(0.02), "done")
    began = time.monotonic()
    spec = loop_spec({"name": "work", "allow_retry": False}, policy={"retry": {"initial_delay_seconds": 0}})
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.GOAL_MET
    assert time.monotonic() - began >= 0.07
    assert [request.attempt for request in agent.requests] == [1, 1, 1]
    assert len({request.idempotency_key for request in agent.requests}) == 1
    found = await retries(lab, result.run_id)
    assert [(data["attempt"], data["reason"], data["delay"]) for data in found] == [
        (1, "rate_limit", 0.05),
        (1, "rate_limit", 0.02),
    ]
    assert "agent.error" not in await lab.types(result.run_id)


async def test_a_once_step_waits_too(lab: Any) -> None:
    """Nothing was done, so a step whose effects may happen once only is made after the wait."""
    agent = ScriptedAgent(limited(0.01), "paid")
    result = await run_loop(lab.kernel(agents=agent), loop_spec({"name": "pay", "effects": "once"}))
    assert result.end.reason is EndReason.GOAL_MET


async def test_without_a_time_it_is_an_error_like_any_other(lab: Any) -> None:
    """A rate limit that names no time is retried where retryable_errors names it, as another attempt."""
    agent = ScriptedAgent(limited(None), "done")
    spec = loop_spec(policy={"retry": {"initial_delay_seconds": 0, "retryable_errors": ["AgentError"]}})
    assert (await run_loop(lab.kernel(agents=agent), spec)).end.reason is EndReason.GOAL_MET
    assert [request.attempt for request in agent.requests] == [1, 2]


async def test_the_feedback_is_the_same_after_the_wait(lab: Any) -> None:
    """A wait between a failed gate and the next attempt does not cost that attempt its feedback."""
    gate = {"name": "good", "condition": "output == 'good'"}
    agent = ScriptedAgent("bad", limited(0.01), "good")
    spec = loop_spec({"name": "work", "verification_gates": ["good"]}, policy={"verification_gates": [gate]})
    await run_loop(lab.kernel(agents=agent), spec)
    assert agent.requests[1].feedback == agent.requests[2].feedback != ""


async def test_the_wait_survives_a_crash(lab: Any, dying: Any, killed: Any) -> None:
    """A run that dies while it waits goes on waiting, no longer than it had to, and makes the same attempt."""
    storage = dying(lab.memory, at=3, durable=False)  # the creation, the wait, and what comes after it
    with pytest.raises(killed):
        await run_loop(
            lab.kernel(storage=storage, agents=ScriptedAgent(limited(0.3), "lost")), loop_spec(), run_id="r"
        )
    await storage.bury()
    agent = ScriptedAgent("done")
    began = time.monotonic()
    assert (await resume_loop(lab.kernel(agents=agent), "r")).end.reason is EndReason.GOAL_MET
    assert time.monotonic() - began < 0.25
    assert agent.requests[0].attempt == 1


async def test_waits_for_rate_limits_are_bounded(lab: Any) -> None:
    """Together they are no longer than max_rate_limit_wait_seconds; then the step fails, whatever is retryable."""
    agent = ScriptedAgent(*[limited(0.04)] * 9)
    retry: dict[str, Any] = {"max_rate_limit_wait_seconds": 0.1, "retryable_errors": ["RateLimited"]}
    retry["initial_delay_seconds"] = 0
    result = await run_loop(lab.kernel(agents=agent), loop_spec(policy={"retry": retry}))
    assert result.end.reason is EndReason.FAILED
    assert "slow down" in result.end.detail
    assert "max_rate_limit_wait_seconds (0.1)" in result.end.detail
    assert len(agent.requests) == 3


async def test_a_service_that_names_no_time_again_and_again_does_not_keep_the_run_spinning(lab: Any) -> None:
    """After the first, waits are as long as the policy's delays."""
    agent = ScriptedAgent(*[limited(0.0)] * 3, "done")
    retry = {"initial_delay_seconds": 0.03, "backoff": "linear", "jitter": False}
    result = await run_loop(lab.kernel(agents=agent), loop_spec(policy={"retry": retry}))
    assert [data["delay"] for data in await retries(lab, result.run_id)] == [0.01, 0.03, 0.06]


@pytest.mark.parametrize("error", [limited(600), AgentError("busy", kind="TimeoutError", retry_after=600)])
async def test_a_wait_beyond_the_runs_time_ends_it_at_once(error: AgentError, lab: Any) -> None:
    """What cannot end within the run's time is not begun; with more time the run goes on with the same wait."""
    spec = loop_spec(policy={"max_total_time_seconds": 60})
    began = time.monotonic()
    result = await run_loop(lab.kernel(agents=ScriptedAgent(error)), spec, run_id="r")
    assert time.monotonic() - began < 5
    assert result.end.reason is EndReason.EXHAUSTED
    assert result.end.detail.startswith(
        "time limit: the next attempt at step 'work' may begin in 600 seconds"
    )
    again = await resume_loop(lab.kernel(agents=ScriptedAgent()), "r", add_budget={"seconds": 10})
    assert again.end.reason is EndReason.EXHAUSTED
    assert "600 seconds" in again.end.detail


async def test_a_delay_that_a_service_names_is_kept_with_the_error(lab: Any) -> None:
    """A run that dies between the error and the wait still knows how long to wait."""
    spec = loop_spec(policy={"retry": {"initial_delay_seconds": 30, "jitter": False}})
    agent = ScriptedAgent(AgentError("busy", kind="TimeoutError", retry_after=0.02), "done")
    result = await run_loop(lab.kernel(agents=agent), spec)
    error = next(event for event in await lab.events(result.run_id) if event.type == "agent.error")
    assert error.data["retry_after"] == 0.02


async def test_a_waiting_step_leaves_its_slot_to_others(lab: Any) -> None:
    """With one slot another step works while the first waits."""
    order: list[str] = []

    def told(request: AgentRequest) -> Any:
        order.append(request.step)
        return limited(0.1) if order == ["a"] else "done"

    spec = loop_spec(
        "a", "b", pattern="parallel_fan_out", policy={"allow_parallel": True, "max_concurrency": 1}
    )
    result = await run_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": told})), spec)
    assert result.end.reason is EndReason.GOAL_MET
    assert order == ["a", "b", "a"]


async def test_a_waiting_step_leaves_its_reservation_to_others(lab: Any) -> None:
    """A budget that is reserved whole for an attempt is free while that waits for a rate limit."""
    order: list[str] = []

    def told(request: AgentRequest) -> Any:
        order.append(request.step)
        return limited(0.1) if order == ["a"] else "done"

    policy = {"allow_parallel": True, "max_concurrency": 2, "budget": {"max_tokens": 100}}
    spec = loop_spec("a", "b", pattern="parallel_fan_out", policy=policy)
    await run_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": told})), spec)
    assert order == ["a", "b", "a"]


async def test_a_wait_can_be_interrupted_at_once(lab: Any) -> None:
    """An interrupt ends the longest wait, and the run goes on with it later."""
    asked = asyncio.Event()

    def told(_: object) -> Any:
        asked.set()
        return limited(600)

    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": told}))
    async with kernel.storage():
        running = asyncio.create_task(run_loop(kernel, loop_spec(), run_id="r"))
        await asked.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        began = time.monotonic()
        kernel.engine().interrupt()
        paused = await running
    assert time.monotonic() - began < 2
    assert paused.end.reason is EndReason.INTERRUPTED


async def test_a_wait_can_be_stopped_at_once(lab: Any) -> None:
    """`loopengt stop` ends a run that waits without waiting for its next turn."""
    asked = asyncio.Event()

    def told(_: object) -> Any:
        asked.set()
        return limited(600)

    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": told}), poll_seconds=0.05)
    async with kernel.storage() as storage:
        running = asyncio.create_task(run_loop(kernel, loop_spec(), run_id="r"))
        await asked.wait()
        began = time.monotonic()
        await storage.signal("r", {"type": "stop", "comment": "enough"})
        stopped = await running
    assert time.monotonic() - began < 5
    assert (stopped.end.reason, stopped.end.detail) == (EndReason.STOPPED, "enough")
