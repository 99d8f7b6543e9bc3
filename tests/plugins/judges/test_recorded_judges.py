"""Runs with judge gates that are recorded, and replayed without any agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt.testing import ScriptedAgent, make_kernel
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.errors import AgentError

from .conftest import verdict

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Bench

JUDGE = {"kind": "quality", "repeat": 2, "agent": {"provider": "scripted"}}


async def drive(project: Path, spec: dict[str, Any], agent: ScriptedAgent, how: str, tape: Path) -> Any:
    """Run a loop with its calls recorded, or replayed."""
    kernel = make_kernel(project, agents=agent)
    middleware = kernel.get("middleware", how)
    layer = middleware.into(tape) if how == "record" else middleware.of(tape)
    file = tape.parent / "loop.json"
    file.write_text(json.dumps(spec))
    async with kernel.storage():
        request = RunRequest(kernel.load_spec(file).spec, middleware=(layer,), in_place=True)
        return await kernel.engine().start(request)


async def test_a_recorded_run_is_replayed_with_its_verdicts(bench: Bench, tmp_path: Path) -> None:
    """Each question of a judge is recorded under its number; replayed, the same verdicts come without a call."""
    tape = tmp_path / "tape"
    trouble = AgentError("overloaded", kind="OverloadedError", retry_after=0.01)
    answers = (verdict(0.2, "no"), trouble, verdict(0.4, "no"), verdict(0.9), verdict(1.0))
    agent = ScriptedAgent(*answers, steps={"work": ["a", "b"]})
    spec = bench.loop({"judge": JUDGE})
    recorded = await drive(bench.project, spec, agent, "record", tape)
    assert recorded.end.reason == "goal_met"
    assert [request.step for request in agent.requests] == [
        "work",
        "work gate g1 1",
        "work gate g1 2",
        "work gate g1 2",
        "work",
        "work gate g1 1",
        "work gate g1 2",
    ]
    silent = ScriptedAgent()
    replayed = await drive(bench.project, spec, silent, "replay", tape)
    assert replayed.end == recorded.end
    assert not silent.requests
    first, second = recorded.snapshot(), replayed.snapshot()
    assert (first.turn, first.status) == (second.turn, second.status)


async def test_a_question_that_was_not_recorded_ends_the_replay(bench: Bench, tmp_path: Path) -> None:
    """A judge that asks something else than was recorded ends the run, and the gate does not pass."""
    tape = tmp_path / "tape"
    agent = ScriptedAgent(verdict(1.0), verdict(1.0), steps={"work": ["a"]})
    await drive(bench.project, bench.loop({"judge": JUDGE}), agent, "record", tape)
    for judge in (JUDGE | {"repeat": 3}, JUDGE | {"options": {"instructions": "Be kind."}}):
        replayed = await drive(bench.project, bench.loop({"judge": judge}), ScriptedAgent(), "replay", tape)
        assert replayed.end.reason == "failed"
        assert "gate 'g1'" in replayed.end.detail
