"""Runs with sub-loops that are forked, or go on by another spec."""

from __future__ import annotations

from typing import Any

from loopengt.testing import ScriptedAgent, loop_spec, run_loop
from loopengt_hookspecs.engines import ForkRequest, ResumeRequest
from loopengt_hookspecs.models import EndReason, LoopSpec

from .subloop_kit import children, sub, write_loop


async def fork(kernel: Any, at: str, **more: Any) -> Any:
    """Fork the run ``top`` as ``fork``."""
    async with kernel.storage():
        return await kernel.engine().fork(ForkRequest("top", at, fork_id="fork", **more))


async def test_a_fork_behind_a_sub_loop_keeps_its_outcome(lab: Any) -> None:
    """What the child came to is recorded: the fork has no child of its own and asks only what follows."""
    write_loop(lab.project, "child.yaml", "a")
    spec = loop_spec(sub("part"), {"name": "b", "prompt_template": "{steps.part.output}"})
    await run_loop(lab.kernel(agents=ScriptedAgent("x", "y")), spec, run_id="top")
    (lab.project / "child.yaml").unlink()
    agent = ScriptedAgent("again")
    result = await fork(lab.kernel(agents=agent), "b")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "again")
    assert [request.prompt for request in agent.requests] == ["x"]
    assert await children(lab, "fork") == []


async def test_a_fork_at_a_sub_loop_begins_a_child_of_its_own(lab: Any) -> None:
    """The fork's child is another run, and the source's stays as it was."""
    write_loop(lab.project, "child.yaml", "a")
    await run_loop(lab.kernel(agents=ScriptedAgent("x")), loop_spec(sub("part")), run_id="top")
    (before,) = await children(lab, "top")
    result = await fork(lab.kernel(agents=ScriptedAgent("other")), "part")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "other")
    (own,) = await children(lab, "fork")
    assert own.run_id.startswith("fork.")
    assert await children(lab, "top") == [before]


async def test_a_fork_of_a_run_that_rests_in_a_sub_loop_begins_it_anew(lab: Any) -> None:
    """A cut behind the beginning of an open child step starts a child of the fork's own, from its first step."""
    write_loop(lab.project, "child.yaml", "a", "b")
    spec = loop_spec({"name": "first", "checkpoint": True}, sub("part"))
    first = await run_loop(lab.kernel(agents=ScriptedAgent("1", "2")), spec, run_id="top")  # b has no answer
    assert first.end.reason is EndReason.FAILED
    agent = ScriptedAgent("3", "4")
    result = await fork(lab.kernel(agents=agent), "part")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "4")
    assert [request.step for request in agent.requests] == ["a", "b"]


async def test_a_changed_spec_brings_its_own_loops(lab: Any) -> None:
    """A run that goes on by an accepted change runs the loops that the changed spec names."""
    write_loop(lab.project, "child.yaml", "a")
    write_loop(lab.project, "other.yaml", "o")
    before = loop_spec("first", sub("part"))
    kernel = lab.kernel(agents=ScriptedAgent())  # nothing is answered: the run waits for that to be mended
    await run_loop(kernel, before, run_id="top")
    changed = LoopSpec.model_validate(loop_spec("first", sub("part", "other.yaml")))
    agent = ScriptedAgent("1", "2")
    kernel = lab.kernel(agents=agent)
    async with kernel.storage():
        result = await kernel.engine().resume(ResumeRequest("top", spec=changed, accept_spec=True))
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "2")
    assert [request.step for request in agent.requests] == ["first", "o"]
    fold, _ = await lab.load("top")
    assert set(fold.header["loops"]) == {"other.yaml"}
