"""A run whose process dies at any append goes on to the same end, and executes nothing twice that was recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import LoopState
    from loopengt_hookspecs.patterns import Run

RETRY = {"retry": {"initial_delay_seconds": 0, "max_retries": 2}}


def answer(request: AgentRequest) -> AgentReply:
    """Answer with where we are; the step ``shaky`` fails at its first attempt."""
    if request.step == "shaky" and request.attempt == 1:
        raise ConnectionError("the line is down")
    place = f"{request.step}-{request.occurrence}-{request.attempt}"
    output = {"place": place, "score": request.occurrence / 3, "heard": request.feedback}
    return AgentReply(
        output, {"prompt_tokens": 7, "completion_tokens": 4}, cost_usd=0.25, cost_source="reported"
    )


def sequential() -> dict[str, Any]:
    """Gates that fail once, pure and impure, an error that passes, a dependency that does not hold."""
    gates = [
        {"name": "second", "condition": "output.place is endingwith '-2'"},
        {"name": "ran", "kind": "told_slowly"},
        {"name": "noted", "condition": "false", "on_failure": "continue"},
    ]
    return loop_spec(
        "plan",
        {"name": "shaky", "verification_gates": ["ran"]},
        {"name": "gated", "verification_gates": ["ran", "second"], "dependencies": ["plan"]},
        {"name": "never", "dependencies": [{"step_name": "plan", "condition": "output.score > 1"}]},
        {"name": "tolerated", "verification_gates": ["noted", "ran"]},
        policy={**RETRY, "verification_gates": gates},
    )


def repeat() -> dict[str, Any]:
    """Laps whose second step fails its gate twice."""
    gate = {"name": "third", "condition": "output.score >= 1"}
    return loop_spec(
        "edit",
        {"name": "test", "verification_gates": ["third"], "prompt_template": "lap {lap}: {feedback}"},
        pattern="repeat",
        policy={**RETRY, "verification_gates": [gate]},
    )


def evaluator_optimizer() -> dict[str, Any]:
    """A judge that is satisfied at its third look."""
    return loop_spec("judge", "improve", pattern="evaluator_optimizer", policy=RETRY)


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


def essence(state: LoopState) -> dict[str, Any]:
    """What of a state does not depend on the clock or on the order in which concurrent steps end."""
    dumped = state.model_dump(mode="json")
    for key in ("run_id", "started_at", "completed_at", "history", "current_step_index"):
        del dumped[key]
    for step in dumped["step_states"].values():
        del step["started_at"], step["completed_at"]
        if step["result"]:
            del step["result"]["duration_seconds"]
    for agent in dumped["agent_states"].values():
        del agent["last_output"]
    return dumped


@pytest.mark.parametrize("slow", [False, True], ids=["", "slow"])
@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("make", [sequential, repeat, evaluator_optimizer, exhausted, concurrent])
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
        lab.kernel(storage=whole, agents=ScriptedAgent(agents={"worker": answer})), spec
    )
    expected = (await lab.load(undisturbed.run_id))[0].snapshot()
    assert whole.appends > 5
    for at in range(1 if durable else 2, whole.appends + 1):
        run_id = f"run-{at}"
        storage = dying(lab.memory, at=at, durable=durable)
        with pytest.raises((killed, BaseExceptionGroup)):
            await run_loop(
                lab.kernel(storage=storage, agents=ScriptedAgent(agents={"worker": answer})),
                spec,
                run_id=run_id,
            )
        await storage.bury()
        recorded = await lab.events(run_id)
        agent = ScriptedAgent(agents={"worker": answer})
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
