"""A run has one owner at a time; whoever lost it writes nothing more."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from loopengt import LeaseLost, RunNotFound, RunOwned, StorageError
from loopengt.ownership import current_owner
from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import EndReason
from loopengt_hookspecs.storage import Lease


async def take_over(lab: Any, run_id: str) -> Any:
    """Let the lease run out and claim the run, as another process would."""
    await lab.memory.renew([(await lease_of(lab, run_id))], -1.0)
    return await lab.memory.claim(run_id, current_owner(), 60.0)


async def lease_of(lab: Any, run_id: str) -> Any:
    """The lease under which the run is driven now."""
    fence = 1
    while (renewal := await lab.memory.renew([Lease(run_id, fence)], 60.0)).lost:
        assert renewal.lost[0].fence < 10
        fence += 1
    return Lease(run_id, fence)


async def test_two_engines_cannot_drive_one_run(lab: Any) -> None:
    """The second is told who drives it, and the first is not disturbed."""
    gate = asyncio.Event()

    async def wait(_: object) -> str:
        began.set()
        await gate.wait()
        return "done"

    began = asyncio.Event()
    agent = ScriptedAgent(wait)
    running = asyncio.create_task(run_loop(lab.kernel(agents=agent), loop_spec(), run_id="r"))
    await began.wait()
    with pytest.raises(RunOwned, match=rf"Run r is driven by process {os.getpid()} on host"):
        await resume_loop(lab.kernel(agents=agent), "r")
    gate.set()
    assert (await running).end.reason is EndReason.GOAL_MET
    assert len(agent.requests) == 1
    await lab.events("r")


@pytest.mark.parametrize("storage", ["memory", "sqlite", "jsonl"])
async def test_of_two_resumes_one_wins(storage: str, lab: Any) -> None:
    """On every storage one of two simultaneous resumes drives the run, and the other is refused."""
    refused = asyncio.Event()

    async def wait(_: object) -> str:
        await refused.wait()
        return "done"

    agent = ScriptedAgent(MissingRequirement("no frob"), wait)
    first = make_kernel(lab.project, agents=agent, storage=storage)
    second = first if storage == "memory" else make_kernel(lab.project, agents=agent, storage=storage)
    failed = await run_loop(first, loop_spec())
    both = {asyncio.create_task(resume_loop(kernel, failed.run_id)) for kernel in (first, second)}
    (loser,), (winner,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(loser.exception(), RunOwned)
    refused.set()
    assert (await winner).end.reason is EndReason.GOAL_MET
    assert len(agent.requests) == 2


async def test_an_owner_that_was_replaced_cannot_write(lab: Any) -> None:
    """An engine whose lease ran out and was taken finds out at its next append, and its step is not recorded."""

    async def lose(request: Any) -> str:
        await take_over(lab, request.run_id)
        return "mine"

    agent = ScriptedAgent(lose, "never asked")
    with pytest.raises(LeaseLost):
        await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"), run_id="r")
    assert await lab.types("r") == ["loop.start"]
    assert len(agent.requests) == 1
    assert (await lab.memory.rows())[0].owner == current_owner()


async def test_an_owner_that_was_replaced_stops_its_agent(lab: Any) -> None:
    """The renewal tells that the run is lost; the agent is cancelled, and nothing is left of it in the caller."""
    cancelled = asyncio.Event()

    async def lose(request: Any) -> str:
        await take_over(lab, request.run_id)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ""

    with pytest.raises(LeaseLost, match="run r was taken over"):
        await run_loop(lab.kernel(agents=ScriptedAgent(lose), poll_seconds=0.02), loop_spec(), run_id="r")
    assert cancelled.is_set()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_lease_is_kept_alive_during_a_long_step(lab: Any) -> None:
    """While an agent works, its run's lease is prolonged again and again."""

    async def wait(_: object) -> str:
        seen = set()
        while len(seen) < 4:
            seen.add((await lab.memory.rows())[0].lease_until)
            await asyncio.sleep(0.005)
        with pytest.raises(RunOwned):
            await resume_loop(lab.kernel(), "r")
        return "done"

    kernel = lab.kernel(agents=ScriptedAgent(wait), poll_seconds=0.01)
    assert (await run_loop(kernel, loop_spec(), run_id="r")).end.reason is EndReason.GOAL_MET


async def test_renewals_that_fail_do_not_end_a_run(lab: Any) -> None:
    """A storage that cannot renew for a while is tried again; the run goes on as long as it can append."""

    class Failing:
        def __init__(self, inner: Any) -> None:
            self.inner = inner
            self.failed = 0
            self.mended = asyncio.Event()

        async def renew(self, *args: Any) -> Any:
            if self.failed < 3:
                self.failed += 1
                raise StorageError("busy")
            self.mended.set()
            return await self.inner.renew(*args)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    async def wait(_: object) -> str:
        await storage.mended.wait()
        return "done"

    storage = Failing(lab.memory)
    kernel = lab.kernel(storage=storage, agents=ScriptedAgent(wait), poll_seconds=0.01)
    assert (await run_loop(kernel, loop_spec())).end.reason is EndReason.GOAL_MET
    assert storage.failed == 3


async def test_an_unknown_run_is_not_found(lab: Any) -> None:
    """resume of a run that nobody started says so; a prefix is not an id here."""
    await run_loop(lab.kernel(agents=ScriptedAgent("x")), loop_spec(), run_id="run-1")
    with pytest.raises(RunNotFound, match="'run-'"):
        await resume_loop(lab.kernel(), "run-")


async def test_a_run_that_cannot_be_written_is_let_go(lab: Any) -> None:
    """When the journal cannot be written, observers are closed, and the lease does not stay behind."""

    class Full:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def append(self, *_: Any, **__: Any) -> None:
            raise StorageError("no space left")

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    seen = RecordingObserver()
    with pytest.raises(StorageError, match="no space left"):
        await run_loop(
            lab.kernel(storage=Full(lab.memory), agents=ScriptedAgent("x")),
            loop_spec(),
            run_id="r",
            observers=[seen],
        )
    assert seen.closed == 1
    assert seen.of("step.complete") == []
    ended = await resume_loop(lab.kernel(agents=ScriptedAgent("x")), "r")
    assert ended.end.reason is EndReason.GOAL_MET
