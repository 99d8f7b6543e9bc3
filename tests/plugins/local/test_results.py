"""What the engine reports of a run when it has ended, at once and when it is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from .conftest import Lab


@pytest.mark.parametrize(("in_place", "kind"), [(True, "in_place"), (False, "copy")])
async def test_a_result_tells_workspace_and_costs(lab: Lab, in_place: bool, kind: str) -> None:
    """Kind of workspace, tokens, known and unknown costs are told, and the same of a run that has ended."""
    answers = [AgentReply("one", {"total_tokens": 7}, cost_usd=0.5), AgentReply("two")]
    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": answers}))
    spec = {
        "name": "demo",
        "goal": "Work twice.",
        "agents": [{"name": "worker", "config": {"provider": "scripted"}}],
        "steps": [{"name": "first", "agent": "worker"}, {"name": "second", "agent": "worker"}],
    }
    result = await run_loop(kernel, spec, in_place=in_place)
    assert (result.workspace_kind, result.workspace_branch, result.questions) == (kind, "", ())
    assert (result.tokens, result.cost_usd, result.unknown_costs) == (7, 0.5, 1)
    again = await resume_loop(kernel, result.run_id)
    for field in ("run_id", "end", "output", "workspace", "workspace_kind", "unknown_costs", "elapsed"):
        assert getattr(again, field) == getattr(result, field)


async def test_a_skipped_step_takes_its_turn_also_as_the_last_one(lab: Lab) -> None:
    """The run's turns are those that its limit counts, in whatever order concurrent steps came to them."""
    lab.agent = ScriptedAgent("one")
    skipped = {"name": "b", "dependencies": [{"step_name": "a", "condition": "output == 'two'"}]}
    result = await run_loop(lab.kernel(), loop_spec("a", skipped))
    assert (result.end.reason, result.snapshot().turn) == (EndReason.GOAL_MET, 2)
