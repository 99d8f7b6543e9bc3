"""Child runs and questions of a run that is forked: what is done is kept, what is under way is begun anew."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.engines import ForkRequest
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult


async def fork(lab: Any, agent: ScriptedAgent, at: str, source: str = "source") -> RunResult:
    """Fork a run."""
    kernel = lab.kernel(agents=agent)
    async with kernel.storage():
        return await kernel.engine().fork(ForkRequest(source, at, fork_id="fork"))


def named(request: AgentRequest) -> str:
    """Answer with the step's name."""
    return request.step


def write_child(lab: Any, *steps: Any, **fields: Any) -> None:
    """Write the loop that a step runs."""
    spec = loop_spec(*steps, name="child", **fields)
    (lab.project / "child.yaml").write_text(json.dumps(spec))


async def children(lab: Any, parent: str) -> list[str]:
    """Ids of the child runs of a run."""
    return [row.run_id for row in await lab.memory.rows() if row.parent == parent]


async def test_a_child_that_is_done_is_not_run_again(lab: Any) -> None:
    """Behind its step the fork has its outcome, and the trace of the source's child; no child is its own."""
    write_child(lab, "x", "y")
    spec = loop_spec("a", {"name": "part", "loop": "child.yaml"}, "b")
    await run_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": named})), spec, run_id="source")
    (child,) = await children(lab, "source")
    agent = ScriptedAgent(agents={"worker": named})
    result = await fork(lab, agent, "b")
    assert [request.step for request in agent.requests] == ["b"]
    assert result.snapshot().step_states["part"].result.output == "y"
    assert await children(lab, "fork") == []
    starts = [
        event.data
        for event in await lab.events("fork")
        if event.step == "part" and event.type == "step.start"
    ]
    assert [start["run"] for start in starts] == [child]


async def test_a_fork_before_a_child_has_one_of_its_own(lab: Any) -> None:
    """Its id is made of the fork's; that of the source is left alone, and cannot be forked by itself."""
    write_child(lab, "x", "y")
    spec = loop_spec("a", {"name": "part", "loop": "child.yaml"}, "b")
    await run_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": named})), spec, run_id="source")
    (theirs,) = await children(lab, "source")
    before = await lab.events(theirs)
    agent = ScriptedAgent(agents={"worker": named})
    result = await fork(lab, agent, "part")
    assert result.end.reason is EndReason.GOAL_MET
    assert [request.step for request in agent.requests] == ["x", "y", "b"]
    (ours,) = await children(lab, "fork")
    assert ours == theirs.replace("source.", "fork.")
    assert await lab.events(theirs) == before
    with pytest.raises(UsageError, match=r"does a step of run source.*\n.*fork source --at"):
        await fork(lab, agent, "x", theirs)


async def test_a_child_that_is_under_way_is_begun_anew(lab: Any) -> None:
    """A cut in the midst of a sub-loop leaves the source's child to the source; the fork begins one of its own."""
    write_child(lab, "x", "y")
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(request: AgentRequest) -> str:
        begun.set()
        await go.wait()
        return request.step

    async def other(request: AgentRequest) -> str:
        await begun.wait()
        return request.step

    def late(request: AgentRequest) -> str:
        go.set()
        return request.step

    steps = (
        {"name": "part", "loop": "child.yaml"},
        "other",
        {"name": "late", "dependencies": ["other"]},
    )
    spec = loop_spec(*steps, pattern="parallel_fan_out")
    agent = ScriptedAgent(steps={"x": [named], "y": slow, "other": other, "late": late})
    source = await run_loop(lab.kernel(agents=agent), spec, run_id="source")
    assert source.end.reason is EndReason.GOAL_MET
    (theirs,) = await children(lab, "source")
    before = await lab.events(theirs)
    agent = ScriptedAgent(agents={"worker": named})
    result = await fork(lab, agent, "late")
    assert result.end.reason is EndReason.GOAL_MET
    assert sorted(request.step for request in agent.requests) == ["late", "x", "y"]
    (ours,) = await children(lab, "fork")
    starts = [
        event.data
        for event in await lab.events("fork")
        if event.step == "part" and event.type == "step.start"
    ]
    assert [start.get("run") for start in starts] == [None, ours]
    assert await lab.events(theirs) == before


class Bell:
    """An observer that tells when something was asked."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    def enabled(self) -> bool:
        """Watch."""
        return True

    async def on_event(self, event: Any) -> None:
        """Ring at a question of the run itself."""
        if event.event_type.value == "approval.request" and event.run_id == "source":
            self.rung.set()

    async def close(self) -> None:
        """Do nothing."""

    async def answer(self, request: AgentRequest) -> str:
        """Answer once it has rung."""
        await self.rung.wait()
        return request.step


def gated(**gate: Any) -> dict[str, Any]:
    """A loop of branches, one of which waits for an approval while the other goes on."""
    steps = (
        {"name": "asks", "verification_gates": ["ok"]},
        "other",
        {"name": "late", "dependencies": ["other"]},
    )
    gates = [{"name": "ok", "kind": "approval", **gate}]
    return loop_spec(*steps, pattern="parallel_fan_out", policy={"verification_gates": gates})


async def test_what_was_asked_is_asked_by_the_fork(lab: Any) -> None:
    """An open question at the place becomes one of the fork, once, under its own id; the source's stays its own."""
    bell = Bell()

    agent = ScriptedAgent(steps={"asks": [named], "other": bell.answer, "late": [named]})
    source = await run_loop(lab.kernel(agents=agent), gated(), run_id="source", observers=[bell])
    assert source.end.reason is EndReason.APPROVAL_REQUIRED
    agent = ScriptedAgent(agents={"worker": named})
    result = await fork(lab, agent, "late")
    assert result.end.reason is EndReason.APPROVAL_REQUIRED
    assert [request.step for request in agent.requests] == ["late"], "the agent is not asked again"
    assert [question["id"] for question in source.questions] == ["source/asks/1/1/ok"]
    assert [question["id"] for question in result.questions] == ["fork/asks/1/1/ok"]
    from loopengt.approvals import Answer, decide

    await decide(lab.memory, "fork", "fork/asks/1/1/ok", Answer(True, "tests"))
    assert (await resume_loop(lab.kernel(agents=agent), "fork")).end.reason is EndReason.GOAL_MET
    assert (await lab.load("source"))[0].questions.keys() == {"source/asks/1/1/ok"}


async def test_what_was_decided_counts_for_the_fork(lab: Any) -> None:
    """A gate that was approved before the place is not asked about again."""
    gates = [{"name": "ok", "kind": "approval"}]
    steps = ({"name": "asks", "verification_gates": ["ok"], "checkpoint": True}, "b")
    spec = loop_spec(*steps, policy={"verification_gates": gates})
    agent = ScriptedAgent(agents={"worker": named})
    kernel = lab.kernel(agents=agent)
    paused = await run_loop(kernel, spec, run_id="source")
    from loopengt.approvals import Answer, decide

    await decide(lab.memory, "source", paused.questions[0]["id"], Answer(True, "tests"))
    assert (await resume_loop(kernel, "source")).end.reason is EndReason.GOAL_MET
    result = await fork(lab, agent, "asks@1")
    assert result.end.reason is EndReason.GOAL_MET
    assert result.questions == ()
    decisions = [event.data["id"] for event in await lab.events("fork") if event.type == "approval.decision"]
    assert decisions == ["fork/asks/1/1/ok"]
    again = [event async for event in _forked_again(lab, agent)]
    assert again == ["fork2/asks/1/1/ok"]


async def _forked_again(lab: Any, agent: ScriptedAgent) -> Any:
    kernel = lab.kernel(agents=agent)
    async with kernel.storage():
        result = await kernel.engine().fork(ForkRequest("fork", "asks", fork_id="fork2"))
    assert result.end.reason is EndReason.APPROVAL_REQUIRED, "before the step nothing was decided"
    for question in result.questions:
        yield question["id"]


async def test_the_questions_of_a_child_stay_with_it(lab: Any) -> None:
    """What a child that is under way asks is no question of the fork: its own child asks for itself."""
    gates = [{"name": "ok", "kind": "approval"}]
    write_child(lab, {"name": "x", "verification_gates": ["ok"]}, policy={"verification_gates": gates})
    bell = Bell()
    steps = (
        {"name": "part", "loop": "child.yaml"},
        "other",
        {"name": "late", "dependencies": ["other"]},
    )
    spec = loop_spec(*steps, pattern="parallel_fan_out")
    agent = ScriptedAgent(steps={"x": [named], "other": bell.answer, "late": [named]})
    source = await run_loop(lab.kernel(agents=agent), spec, run_id="source", observers=[bell])
    assert source.end.reason is EndReason.APPROVAL_REQUIRED
    (theirs,) = await children(lab, "source")
    agent = ScriptedAgent(agents={"worker": named})
    result = await fork(lab, agent, "late")
    assert result.end.reason is EndReason.APPROVAL_REQUIRED
    (ours,) = await children(lab, "fork")
    assert [question["run"] for question in result.questions] == [ours]
    assert [question["run"] for question in source.questions] == [theirs]
    assert "custom" in await lab.types("fork")
