"""Checkpoints from outside: named positions in the journal, whoever saved them."""

from __future__ import annotations

from functools import partial
from time import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import CheckpointError, CheckpointManager, RunNotFound, RunOwned
from loopengt.journal import Journal, load_run, read_events
from loopengt.ownership import current_owner
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import RunStatus, StepStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from loopengt.kernel import Kernel
    from loopengt_hookspecs.storage import Storage

MISSING = MissingRequirement("the program 'frob' is not there", remedy="pip install frob")


def spec() -> dict[str, Any]:
    """Three steps, the first two of which save checkpoints."""
    return loop_spec(
        {"name": "a", "checkpoint": True}, {"name": "b", "checkpoint": True}, "c", context={"x": 1}
    )


class Desk:
    """A kernel, its storage and a manager."""

    def __init__(self, kernel: Kernel, storage: Storage) -> None:
        self.kernel = kernel
        self.storage = storage
        self.manager = CheckpointManager(storage)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A project whose third step fails at first for want of something."""
    agent = ScriptedAgent(steps={"a": ["one"], "b": [{"two": 2}], "c": [MISSING, "three"]})
    kernel = make_kernel(tmp_path, agents=agent)
    async with kernel.storage() as storage:
        yield Desk(kernel, storage)


async def test_steps_save_checkpoints(desk: Desk) -> None:
    """A step with checkpoint: true saves one when it completes, named after it and its execution."""
    result = await run_loop(desk.kernel, spec())
    assert await desk.manager.list_checkpoints(result.run_id) == ["a@1", "b@1"]
    assert result.snapshot().checkpoints == ["a@1", "b@1"]


async def test_a_checkpoint_is_the_state_at_its_place(desk: Desk) -> None:
    """What is loaded has the steps, agents, context and history of then, and nothing of later."""
    run_id = (await run_loop(desk.kernel, spec())).run_id
    data = await desk.manager.load(run_id, "a@1")
    states = {state.step_name: state.status for state in data.step_states}
    assert states == {"a": StepStatus.COMPLETED, "b": StepStatus.PENDING, "c": StepStatus.PENDING}
    assert (data.checkpoint_id, data.run_id, data.context) == ("a@1", run_id, {"x": 1})
    assert [(entry["step"], entry["result"].output) for entry in data.history] == [("a", "one")]
    assert [agent.invocations for agent in data.agent_states] == [1]
    saved = [
        event.at
        async for events in read_events(desk.storage, run_id)
        for event in events
        if event.type == "checkpoint.save"
    ]
    assert data.created_at.timestamp() == pytest.approx(saved[0], abs=1e-3)


async def test_without_an_id_the_latest_is_loaded(desk: Desk) -> None:
    """The latest that was not deleted."""
    run_id = (await run_loop(desk.kernel, spec())).run_id
    assert (await desk.manager.load(run_id)).checkpoint_id == "b@1"
    await desk.manager.delete(run_id, "b@1")
    assert (await desk.manager.load(run_id)).checkpoint_id == "a@1"
    assert await desk.manager.list_checkpoints(run_id) == ["a@1"]


async def test_what_is_not_there_is_said(desk: Desk) -> None:
    """No checkpoint of that id, none at all, no such run; nothing is written for it."""
    run_id = (await run_loop(desk.kernel, spec())).run_id
    before = (await load_run(desk.storage, run_id))[1]
    with pytest.raises(CheckpointError, match=r"no checkpoint 'z'.*\n.*a@1, b@1"):
        await desk.manager.load(run_id, "z")
    with pytest.raises(CheckpointError, match="no checkpoint 'z'"):
        await desk.manager.delete(run_id, "z")
    for checkpoint_id in ("a@1", "b@1"):
        await desk.manager.delete(run_id, checkpoint_id)
    for checkpoint_id in (None, "a@1"):
        with pytest.raises(CheckpointError, match="has no checkpoints"):
            await desk.manager.load(run_id, checkpoint_id)
    with pytest.raises(CheckpointError):
        await desk.manager.delete(run_id, "a@1")
    assert len((await load_run(desk.storage, run_id))[1]) == len(before) + 2
    for asked in (desk.manager.load, desk.manager.list_checkpoints):
        with pytest.raises(RunNotFound):
            await asked("nobody")


async def test_a_program_saves_a_checkpoint_where_a_run_rests(desk: Desk) -> None:
    """It is a position in the journal with an id of its own; the run can still be resumed to its end."""
    rests = await run_loop(desk.kernel, spec())
    state = rests.snapshot()
    first = await desk.manager.save(state)
    second = await desk.manager.save(state)
    assert first != second
    assert await desk.manager.list_checkpoints(rests.run_id) == ["a@1", "b@1", first, second]
    data = await desk.manager.load(rests.run_id)
    assert (data.checkpoint_id, len(data.history)) == (second, 2)
    assert data.step_states == list(state.step_states.values())
    (row,) = await desk.storage.rows()
    assert row.owner is None
    done = await resume_loop(desk.kernel, rests.run_id)
    assert done.end.reason.value == "goal_met"
    assert done.snapshot().checkpoints == ["a@1", "b@1", first, second]


async def test_time_in_which_nobody_drove_the_run_is_not_counted(desk: Desk, monkeypatch: Any) -> None:
    """A checkpoint that is saved an hour after the end leaves the driven time as it was."""
    rests = await run_loop(desk.kernel, spec())
    before = (await load_run(desk.storage, rests.run_id))[0].elapsed
    monkeypatch.setattr("loopengt.checkpoints.Journal", partial(Journal, clock=lambda: time() + 3600))
    await desk.manager.save(rests.snapshot())
    assert (await load_run(desk.storage, rests.run_id))[0].at > time() + 3000
    assert (await load_run(desk.storage, rests.run_id))[0].elapsed == pytest.approx(before, abs=0.01)


async def test_only_the_state_of_the_journal_can_be_saved(desk: Desk) -> None:
    """A state that was changed, or is of an earlier time, has no place in the journal: refused, nothing is written."""
    rests = await run_loop(desk.kernel, spec())
    changed, older = rests.snapshot(), rests.snapshot()
    changed.context["x"] = 2
    await resume_loop(desk.kernel, rests.run_id)
    before = (await load_run(desk.storage, rests.run_id))[1]
    for state in (changed, older):
        with pytest.raises(CheckpointError, match="does not end with the state"):
            await desk.manager.save(state)
    assert (await load_run(desk.storage, rests.run_id))[1] == before
    assert (await desk.storage.rows())[0].owner is None


async def test_a_run_that_is_driven_is_left_alone(desk: Desk) -> None:
    """Saving and deleting need the lease; reading does not."""
    rests = await run_loop(desk.kernel, spec())
    lease = await desk.storage.claim(rests.run_id, current_owner(), 60.0)
    with pytest.raises(RunOwned):
        await desk.manager.save(rests.snapshot())
    with pytest.raises(RunOwned):
        await desk.manager.delete(rests.run_id, "a@1")
    assert await desk.manager.list_checkpoints(rests.run_id) == ["a@1", "b@1"]
    await desk.storage.release(lease)
    await desk.manager.delete(rests.run_id, "a@1")


async def test_a_state_is_restored(desk: Desk) -> None:
    """Steps, agents, context and history become those of the checkpoint, in a copy that shares nothing."""
    result = await run_loop(desk.kernel, spec())
    base = result.snapshot()
    data = await desk.manager.load(result.run_id, "a@1")
    restored = desk.manager.restore_state(data, base)
    assert restored.status is RunStatus.RUNNING
    assert (restored.turn, restored.reason, restored.error, restored.completed_at) == (1, None, None, None)
    assert restored.step_states["b"].status is StepStatus.PENDING
    assert restored.started_at == base.started_at
    restored.context["x"] = 9
    restored.step_states["a"].mark_failed("oh")
    restored.checkpoints.clear()
    assert base.context == data.context == {"x": 1}
    assert base.step_states["a"].status is StepStatus.COMPLETED
    assert base.checkpoints == ["a@1", "b@1"]
    assert restored.to_checkpoint().history == data.history
    with pytest.raises(CheckpointError, match="not of other"):
        desk.manager.restore_state(data, base.model_copy(update={"run_id": "other"}))
