"""A run whose process dies at any append goes on to the same end, and executes nothing twice that was recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop

from .loops_kit import (
    RETRY,
    answering,
    essence,
    evaluator_optimizer,
    handoff,
    parallel_fan_out,
    repeat,
    sequential,
    supervisor_worker,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.patterns import Run


def exhausted() -> dict[str, Any]:
    """A run whose budget runs out."""
    policy = {**RETRY, "budget": {"max_tokens": 40}}
    return loop_spec("a", pattern="repeat", policy=policy)


async def fan_out(run: Run) -> None:
    """Three steps at a time, with a decision after each."""
    limit = asyncio.Semaphore(3)

    async def one(name: str) -> None:
        async with limit:
            outcome = await run.step(name)
            await run.decide(f"{name} was seen", outcome.output["place"])

    async with asyncio.TaskGroup() as group:
        for step in run.spec.steps:
            group.create_task(one(step.name))


def concurrent() -> dict[str, Any]:
    """Seven steps, three at a time."""
    return loop_spec(*(f"s{number}" for number in range(6)), "shaky", pattern="fan_out", policy=RETRY)


LOOPS = [
    sequential,
    repeat,
    evaluator_optimizer,
    supervisor_worker,
    handoff,
    parallel_fan_out,
    exhausted,
    concurrent,
]


@pytest.mark.slow
@pytest.mark.parametrize("slow", [False, True], ids=["", "slow"])
@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("make", LOOPS)
async def test_every_append_may_be_the_last(
    make: Callable[[], dict[str, Any]],
    durable: bool,
    slow: bool,
    lab: Any,
    dying: Any,
    killed: Any,
    lagging: Any,
) -> None:
    """For every n: after a death at append n and a resume, the end is that of an undisturbed run."""
    lab.patterns["fan_out"] = fan_out
    spec = make()
    if slow:
        lab.memory = lagging(lab.memory)
    whole = dying(lab.memory, at=10_000, durable=True)
    undisturbed = await run_loop(
        lab.kernel(storage=whole, agents=ScriptedAgent(agents=answering(spec))), spec
    )
    expected = (await lab.load(undisturbed.run_id))[0].snapshot()
    assert whole.appends > 5
    for at in range(1 if durable else 2, whole.appends + 1):
        run_id = f"run-{at}"
        storage = dying(lab.memory, at=at, durable=durable)
        with pytest.raises((killed, BaseExceptionGroup)):
            await run_loop(
                lab.kernel(storage=storage, agents=ScriptedAgent(agents=answering(spec))),
                spec,
                run_id=run_id,
            )
        await storage.bury()
        recorded = await lab.events(run_id)
        agent = ScriptedAgent(agents=answering(spec))
        result = await resume_loop(lab.kernel(agents=agent), run_id)
        assert result.end == undisturbed.end
        done = {
            (event.step, event.data["occurrence"])
            for event in recorded
            if event.type in ("step.complete", "step.error")
        }
        assert done.isdisjoint((request.step, request.occurrence) for request in agent.requests)
        await lab.events(run_id)
        fold, events = await lab.load(run_id)
        assert essence(fold.snapshot()) == essence(expected)
        answered = [
            (event.step, event.data["attempt"], event.data["output"]["place"])
            for event in events
            if event.type == "agent.response"
        ]
        assert len(answered) == len(set(answered))
