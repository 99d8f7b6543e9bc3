"""Checkpoints that runs save, and forks that begin at them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import CheckpointManager
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.engines import ForkRequest
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from loopengt.kernel import Kernel
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.patterns import Run


async def fork(kernel: Kernel, run_id: str, at: str) -> RunResult:
    """Fork a run and drive the fork."""
    async with kernel.storage():
        return await kernel.engine().fork(ForkRequest(run_id, at))


def named(request: AgentRequest) -> str:
    """Answer with the step's name."""
    return request.step


def spec(**fields: Any) -> dict[str, Any]:
    """Three steps, the first two of which save checkpoints."""
    return loop_spec({"name": "a", "checkpoint": True}, {"name": "b", "checkpoint": True}, "c", **fields)


async def saved(lab: Any, run_id: str) -> list[str]:
    """Ids of the checkpoints that a run has saved, in order."""
    events = await lab.events(run_id)
    return [event.data["checkpoint_id"] for event in events if event.type == "checkpoint.save"]


async def test_a_fork_from_a_checkpoint_notes_it(lab: Any) -> None:
    """checkpoint.load stands behind the shared part, once; the pattern does not save the checkpoint again."""

    async def saving(run: Run) -> None:
        for step in run.spec.steps:
            await run.step(step)
            assert await run.checkpoint("same") == f"same@{len(run.state.checkpoints)}"

    lab.patterns["mine"] = saving
    agent = ScriptedAgent(agents={"worker": named})
    source = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b", "c", pattern="mine"))
    result = await fork(lab.kernel(agents=agent), source.run_id, "same@2")
    events = await lab.events(result.run_id)
    assert [event.data["checkpoint_id"] for event in events if event.type == "checkpoint.save"] == [
        "same@1",
        "same@2",
        "same@3",
    ]
    loaded = [event for event in events if event.type == "checkpoint.load"]
    assert [event.data for event in loaded] == [{"checkpoint_id": "same@2", "name": "same"}]
    by_step = await fork(lab.kernel(agents=agent), source.run_id, "c")
    assert "checkpoint.load" not in await lab.types(by_step.run_id)


async def test_a_deleted_checkpoint_is_no_place(lab: Any) -> None:
    """What was deleted, in the run or after its end, cannot be forked at."""
    agent = ScriptedAgent(agents={"worker": named})
    source = await run_loop(lab.kernel(agents=agent), spec())
    await CheckpointManager(lab.memory).delete(source.run_id, "a@1")
    with pytest.raises(UsageError, match=r"no place 'a@1'\n.*Checkpoints: b@1\."):
        await fork(lab.kernel(agents=agent), source.run_id, "a@1")


@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
async def test_a_checkpoint_is_saved_once(durable: bool, lab: Any, dying: Any, killed: Any) -> None:
    """Whichever append is a process's last: with its step's completion a checkpoint stands in the journal, once."""
    for at in range(2, 9):
        storage = dying(lab.memory, at=at, durable=durable)
        kernel = lab.kernel(storage=storage, agents=ScriptedAgent(agents={"worker": named}))
        run_id = f"run-{at}"
        try:
            await run_loop(kernel, spec(workspace="copy"), run_id=run_id, in_place=False)
        except killed:
            await storage.bury()
            fold = (await lab.load(run_id))[0]
            done = [f"{step}@1" for step in "ab" if fold.step(step).status == "completed"]
            assert await saved(lab, run_id) == done
            kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": named}))
            assert (await resume_loop(kernel, run_id)).end.reason is EndReason.GOAL_MET
        assert await saved(lab, run_id) == ["a@1", "b@1"]


async def test_each_execution_has_its_checkpoint(lab: Any) -> None:
    """Lap by lap; a skipped, or failed, step has none, and one with for_each has one for all its items."""
    steps = (
        {"name": "each", "for_each": "context.items", "checkpoint": True},
        {"name": "never", "dependencies": [{"step_name": "each", "condition": "false"}], "checkpoint": True},
        {"name": "gated", "checkpoint": True, "verification_gates": ["second"]},
        {"name": "bad", "checkpoint": True},
    )
    gates = [{"name": "second", "condition": "steps.gated.attempts > 1"}]
    declared = loop_spec(*steps, context={"items": [1, 2]}, policy={"verification_gates": gates})
    agent = ScriptedAgent(steps={"bad": [ValueError("no")] * 9}, agents={"worker": named})
    result = await run_loop(lab.kernel(agents=agent), declared)
    assert result.end.reason is EndReason.FAILED
    assert await saved(lab, result.run_id) == ["each@1", "gated@1"]


async def test_ids_are_never_the_same(lab: Any) -> None:
    """Also when a pattern names checkpoints like steps, and saves them at the same time."""

    async def saving(run: Run) -> None:
        for _ in range(2):
            await run.step("a")
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(run.checkpoint("a"))
            await run.step("b")
            await run.step("c")

    lab.patterns["mine"] = saving
    agent = ScriptedAgent(agents={"worker": named})
    result = await run_loop(lab.kernel(agents=agent), spec(pattern="mine", workspace="copy"), in_place=False)
    assert result.end.reason is EndReason.GOAL_MET, result.end
    ids = await saved(lab, result.run_id)
    assert len(ids) == len(set(ids)) == 10
    assert result.snapshot().checkpoints == ids


async def test_a_checkpoint_needs_a_name(lab: Any) -> None:
    """An empty one fails the run, and says so."""

    async def saving(run: Run) -> None:
        await run.checkpoint("")

    lab.patterns["mine"] = saving
    result = await run_loop(lab.kernel(), spec(pattern="mine"))
    assert (result.end.reason, "needs a name" in result.end.detail) == (EndReason.FAILED, True)
