"""A fork shares what a run has done up to a place, does nothing of it again, and comes to its own end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, run_loop
from loopengt_hookspecs.engines import ForkRequest
from loopengt_hookspecs.errors import MissingRequirement, RunNotFound, UsageError
from loopengt_hookspecs.models import EndReason

from .loops_kit import (
    RETRY,
    answer,
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

    from loopengt.kernel import Kernel
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.patterns import Run

MISSING = MissingRequirement("the program 'frob' is not there", remedy="pip install frob")


async def fork(kernel: Kernel, run_id: str, at: str, **fields: Any) -> RunResult:
    """Fork a run and drive the fork."""
    async with kernel.storage():
        return await kernel.engine().fork(ForkRequest(run_id, at, **fields))


def items() -> dict[str, Any]:
    """A step for each of three items, lap after lap, between two others."""
    gate = {"name": "second", "condition": "output.score > 0.4"}
    return loop_spec(
        "before",
        {"name": "each", "for_each": "context.items", "checkpoint": True},
        {"name": "after", "verification_gates": ["second"]},
        pattern="repeat",
        context={"items": [1, 2, 3]},
        policy={**RETRY, "allow_parallel": True, "verification_gates": [gate]},
    )


async def seeing(run: Run) -> None:
    """Three steps at a time, with a decision after each, and a checkpoint in between."""
    limit = asyncio.Semaphore(3)

    async def one(name: str) -> None:
        async with limit:
            outcome = await run.step(name)
            await run.decide(f"{name} was seen", outcome.output["place"])
            if name == "s2":
                await run.checkpoint("halfway")

    async with asyncio.TaskGroup() as group:
        for step in run.spec.steps:
            group.create_task(one(step.name))


def concurrent() -> dict[str, Any]:
    """Seven steps, three at a time."""
    return loop_spec(*(f"s{number}" for number in range(6)), "shaky", pattern="seeing", policy=RETRY)


PATTERNS = [
    sequential,
    repeat,
    evaluator_optimizer,
    supervisor_worker,
    handoff,
    parallel_fan_out,
    items,
    concurrent,
]


def places(events: list[Event]) -> list[str]:
    """Every execution of every step, and every checkpoint."""
    found = [
        f"{event.step}#{event.data['occurrence']}"
        for event in events
        if event.type in ("step.start", "step.complete", "step.error")
    ]
    saved = [event.data["checkpoint_id"] for event in events if event.type == "checkpoint.save"]
    return [*dict.fromkeys(found), *saved]


@pytest.mark.slow
@pytest.mark.parametrize("make", PATTERNS)
async def test_every_place_can_be_forked(make: Callable[[], dict[str, Any]], lab: Any) -> None:
    """At each step and checkpoint of each pattern: the same end, and nothing that was done is done again."""
    lab.patterns["seeing"] = seeing
    spec = make()
    source = await run_loop(lab.kernel(agents=ScriptedAgent(agents=answering(spec))), spec, run_id="source")
    assert source.end.reason in (EndReason.GOAL_MET, EndReason.BLOCKED)
    fold, events = await lab.load("source")
    assert len(places(events)) >= 3
    for number, at in enumerate(places(events)):
        agent = ScriptedAgent(agents=answering(spec))
        result = await fork(lab.kernel(agents=agent), "source", at, fork_id=f"fork-{number}")
        assert result.end == source.end, at
        copied = await lab.events(f"fork-{number}")
        seq = copied[0].data["forked_from"]["seq"]
        assert [event._replace(data={}) for event in copied[:seq]] == [
            event._replace(data={}) for event in events[:seq]
        ]
        assert copied[seq].type == "loop.resume"
        done = {
            (event.step, event.data["occurrence"])
            for event in events[:seq]
            if event.type in ("step.complete", "step.error")
        }
        assert done.isdisjoint((request.step, request.occurrence) for request in agent.requests), at
        if "@" not in at:
            assert at not in {f"{step}#{occurrence}" for step, occurrence in done}
        assert essence((await lab.load(f"fork-{number}"))[0].snapshot()) == essence(fold.snapshot()), at
    assert await lab.events("source") == events, "the run that is forked stays as it is"


async def test_a_fork_is_a_run_of_its_own(lab: Any) -> None:
    """It has its id, tells where it comes from, begins now, and has used what was used before it."""
    agent = ScriptedAgent(agents={"worker": answer})
    source = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"), context={"x": 1})
    result = await fork(lab.kernel(agents=agent), source.run_id, "b")
    assert result.run_id != source.run_id
    fold, events = await lab.load(result.run_id)
    header = events[0].data
    facts = header["forked_from"]
    assert (header["run_id"], header["context"]) == (result.run_id, {"x": 1})
    assert (facts["run_id"], facts["at"]) == (source.run_id, "b")
    resumed = next(event for event in events if event.type == "loop.resume").data
    assert (resumed["forked_from"], resumed["at"], resumed["turn"]) == (source.run_id, "b", 1)
    assert (result.tokens, result.cost_usd) == (14, 0.5)
    assert fold.started_at == facts["time"] > events[-1].at - 60
    rows = await lab.memory.rows()
    assert [row.run_id for row in rows] == [result.run_id, source.run_id], "newest first"
    assert rows[0].started_at == facts["time"]
    assert [request.idempotency_key for request in agent.requests][-1] == f"{result.run_id}/b/1/1"
    assert result.elapsed < 10


async def test_a_place_that_is_not_there_is_said(lab: Any) -> None:
    """The message lists the steps that have begun, how often, and the checkpoints; nothing is made."""
    agent = ScriptedAgent(agents={"worker": answer})
    source = await run_loop(lab.kernel(agents=agent), repeat())
    for at in ("nowhere", "edit#4", "edit#0", "edit@9", "edit#x", "#1", ""):
        with pytest.raises(UsageError) as caught:
            await fork(lab.kernel(agents=agent), source.run_id, at)
        assert f"has no place {at!r}" in caught.value.message
        assert caught.value.remedy == (
            "Steps that have begun: edit (#1 to #3), test (#1 to #3). Checkpoints: edit@1, edit@2, edit@3."
        )
    assert len(await lab.memory.rows()) == 1
    with pytest.raises(RunNotFound):
        await fork(lab.kernel(agents=agent), "nobody", "edit")


async def test_a_step_that_has_not_begun_is_no_place(lab: Any) -> None:
    """Only what the run has come to can be forked."""
    agent = ScriptedAgent(steps={"a": [MISSING]})
    source = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"))
    with pytest.raises(UsageError, match=r"no place 'b'\nSteps that have begun: a\."):
        await fork(lab.kernel(agents=agent), source.run_id, "b")


async def test_items_are_places_too(lab: Any) -> None:
    """A step with for_each is forked before its first item, or lap by lap, or before one of its items."""
    spec = items() | {"policy": {**RETRY, "verification_gates": items()["policy"]["verification_gates"]}}
    source = await run_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": answer})), spec)
    expected = {
        "each": ["each[0]-1", "each[1]-1", "each[2]-1", "after-1", "before-2"],
        "each#2": ["each[0]-2", "each[1]-2", "each[2]-2", "after-2"],
        "each[1]": ["each[1]-1", "each[2]-1", "after-1", "before-2"],
        "each[2]#2": ["each[2]-2", "after-2"],
        "each@1": ["after-1", "before-2"],
        "each@2": ["after-2"],
    }
    for at, first in expected.items():
        agent = ScriptedAgent(agents={"worker": answer})
        result = await fork(lab.kernel(agents=agent), source.run_id, at)
        asked = [f"{request.step}-{request.occurrence}" for request in agent.requests]
        assert asked[: len(first)] == first, at
        assert result.end == source.end


async def test_a_fork_can_be_forked(lab: Any) -> None:
    """Also at a place that it shares, and at one of its own; each tells its own source."""
    spec = repeat()
    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": answer}))
    first = await run_loop(kernel, spec, run_id="one")
    for source, at, fork_id in (
        ("one", "test#2", "two"),
        ("two", "edit#2", "three"),
        ("two", "edit#3", "four"),
        ("four", "edit@1", "five"),
    ):
        result = await fork(kernel, source, at, fork_id=fork_id)
        assert result.end == first.end
        events = await lab.events(fork_id)
        assert events[0].data["forked_from"]["run_id"] == source
        assert [event.step for event in events if event.type == "step.complete"] == ["edit", "test"] * 3


async def test_the_rest_may_come_out_differently(lab: Any) -> None:
    """A fork is not bound to what its source did behind the place."""
    source = await run_loop(
        lab.kernel(agents=ScriptedAgent(steps={"a": ["1"], "b": [ValueError("no")]})), two()
    )
    assert source.end.reason is EndReason.FAILED
    result = await fork(lab.kernel(agents=ScriptedAgent(steps={"b": ["2"]})), source.run_id, "b")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "2")


def two() -> dict[str, Any]:
    """Two steps, tried once."""
    return loop_spec("a", "b", policy={"retry": {"max_retries": 0}})
