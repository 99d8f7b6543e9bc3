"""How forks are made: whole or not at all, sharing what is large, beside whoever drives the run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.engines import ForkRequest
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from loopengt.kernel import Kernel
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult


async def fork(kernel: Kernel, run_id: str, at: str, **fields: Any) -> RunResult:
    """Fork a run and drive the fork."""
    async with kernel.storage():
        return await kernel.engine().fork(ForkRequest(run_id, at, **fields))


def named(request: AgentRequest) -> str:
    """Answer with the step's name."""
    return request.step


def two() -> dict[str, Any]:
    """Two steps, tried once."""
    return loop_spec("a", "b", policy={"retry": {"max_retries": 0}})


async def test_large_outputs_are_shared(lab: Any) -> None:
    """A fork of a run with large outputs stores none of them again, and reads them all."""
    put: list[str] = []
    stored = lab.memory.put_blob

    async def put_blob(data: bytes) -> str:
        put.append(await stored(data))
        return put[-1]

    lab.memory.put_blob = put_blob
    agent = ScriptedAgent(steps={name: [name * 200_000] for name in "abc"} | {"d": ["short"]})
    source = await run_loop(lab.kernel(agents=agent), loop_spec(*"abcd"))
    known = set(put)
    assert len(known) >= 4, "three outputs and the spec"
    agent = ScriptedAgent(steps={"d": ["brief"]})
    result = await fork(lab.kernel(agents=agent), source.run_id, "d")
    assert set(put) == known
    size = sum([len(batch.payload) async for batch in lab.memory.read(result.run_id)])
    assert size < 10_000
    assert result.snapshot().step_states["b"].result.output == "b" * 200_000


@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
async def test_a_death_while_a_fork_is_made_leaves_nothing_half(
    durable: bool, lab: Any, dying: Any, killed: Any
) -> None:
    """For every append: there is no fork, or one that a resume makes whole and brings to the same end."""
    spec = loop_spec(*(f"s{number}" for number in range(60)), policy={"max_turns": 100})
    agents = {"worker": lambda request: request.step + "x" * 50_000}
    source = await run_loop(lab.kernel(agents=ScriptedAgent(agents=agents)), spec, run_id="source")
    events = await lab.events("source")
    for at in range(1, 7):
        storage = dying(lab.memory, at=at, durable=durable)
        kernel = lab.kernel(storage=storage, agents=ScriptedAgent(agents=agents))
        with pytest.raises(killed):
            await fork(kernel, "source", "s57", fork_id=f"fork-{at}")
        await storage.bury()
        rows = [row for row in await lab.memory.rows() if row.run_id == f"fork-{at}"]
        if at == 1 and not durable:
            assert rows == []
            continue
        recorded = await lab.events(f"fork-{at}")
        seq = recorded[0].data["forked_from"]["seq"]
        assert at > 2 or len(recorded) < seq, "a part of it"
        agent = ScriptedAgent(agents=agents)
        result = await resume_loop(lab.kernel(agents=agent), f"fork-{at}")
        assert result.end == source.end
        assert [request.step for request in agent.requests][-1:] in (["s59"], [])
        assert {request.step for request in agent.requests} <= {"s57", "s58", "s59"}
        copied = await lab.events(f"fork-{at}")
        assert copied[1:seq] == events[1:seq]


async def test_a_half_fork_needs_its_source(lab: Any, dying: Any, killed: Any) -> None:
    """When the run is gone that it was forked from, resuming says so and leaves the half as it is."""
    spec = loop_spec(*(f"s{number}" for number in range(40)), policy={"max_turns": 100})
    agents = {"worker": lambda request: request.step + "x" * 50_000}
    await run_loop(lab.kernel(agents=ScriptedAgent(agents=agents)), spec, run_id="source")
    storage = dying(lab.memory, at=2, durable=False)
    with pytest.raises(killed):
        await fork(lab.kernel(storage=storage), "source", "s39", fork_id="half")
    await storage.bury()
    await lab.memory.delete(await lab.memory.claim("source", "tests", 10.0))
    before = await lab.events("half")
    with pytest.raises(UsageError, match=r"not made to its end.*source.*\n.*runs delete half"):
        await resume_loop(lab.kernel(), "half")
    assert await lab.events("half") == before
    assert (await lab.memory.rows())[0].owner is None


async def test_a_running_run_can_be_forked(lab: Any) -> None:
    """Forking reads the run's journal only, so that whoever drives it goes on."""
    gate, begun = asyncio.Event(), asyncio.Event()

    async def slow(request: AgentRequest) -> str:
        begun.set()
        await gate.wait()
        return "late"

    agent = ScriptedAgent(steps={"a": ["1"], "b": slow})
    running = asyncio.create_task(run_loop(lab.kernel(agents=agent), two(), run_id="source"))
    await begun.wait()
    await lab.memory.rows()
    with pytest.raises(UsageError, match="no place 'b'"):
        await fork(lab.kernel(), "source", "b")  # its start rides with its completion
    result = await fork(lab.kernel(agents=ScriptedAgent()), "source", "a")
    gate.set()
    assert (await running).output == "late"
    assert result.run_id != "source"


async def test_an_id_is_used_once(lab: Any) -> None:
    """A fork is not made under the id of a run that is there, nor under one that cannot be an id."""
    agent = ScriptedAgent(agents={"worker": named})
    source = await run_loop(lab.kernel(agents=agent), two())
    before = await lab.events(source.run_id)
    with pytest.raises(Exception, match="already"):
        await fork(lab.kernel(agents=agent), source.run_id, "b", fork_id=source.run_id)
    with pytest.raises(UsageError, match="cannot be the id"):
        await fork(lab.kernel(agents=agent), source.run_id, "b", fork_id="../x")
    assert await lab.events(source.run_id) == before
