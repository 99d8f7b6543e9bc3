"""Several steps with ``effects: once`` that one crash has cut short: each is answered for by its name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.models import EndReason


def spec() -> dict[str, Any]:
    """Two steps side by side, whose effects may happen once."""
    declared = loop_spec("left", "right", pattern="parallel_fan_out")
    for step in declared["steps"]:
        step["effects"] = "once"
    return declared


@pytest.fixture
async def lost(lab: Any, dying: Any, killed: Any) -> None:
    """A run that is lost while both steps are under way."""
    both = asyncio.Barrier(2)
    storage = dying(lab.memory, 10**9, durable=False)

    async def work(_: object) -> str:
        await both.wait()
        storage.dead = True
        return "done, but nobody knows"

    agent = ScriptedAgent(agents={"worker": work})
    with pytest.raises((killed, BaseExceptionGroup)):
        await run_loop(lab.kernel(storage=storage, agents=agent), spec(), run_id="r")
    await storage.bury()


async def resume(lab: Any, given: Any) -> tuple[Any, list[str]]:
    """Resume the run, with what is said of its steps, and return how it came to rest and whom it asked."""
    agent = ScriptedAgent(agents={"worker": lambda _: "again"})
    result = await resume_loop(lab.kernel(agents=agent), "r", unknown_outcome=given)
    return result, sorted(request.step for request in agent.requests)


@pytest.mark.parametrize(
    "given", ["ask", "retry", "done", {"left": "retry"}, {"left": "retry", "right": "ask"}]
)
async def test_nothing_is_executed_before_each_is_answered_for(lab: Any, lost: None, given: Any) -> None:
    """One word, or an answer for one of them, is not enough: the run asks for both, and executes neither."""
    result, asked = await resume(lab, given)
    assert (result.end.reason, asked) == (EndReason.APPROVAL_REQUIRED, [])
    questions = [question["question"] for question in result.questions]
    assert len(questions) == (1 if isinstance(given, dict) else 2)
    again, asked = await resume(lab, given)
    assert (len(again.questions), asked) == (len(questions), [])


async def test_one_was_done_and_the_other_is_done_again(lab: Any, lost: None) -> None:
    """Only the step of which it was said is executed again."""
    result, asked = await resume(lab, {"left": "done", "right": "retry"})
    assert (result.end.reason, asked) == (EndReason.GOAL_MET, ["right"])
    assert result.questions == ()
    types = await lab.types("r")
    assert types.count("approval.decision") == 2


async def test_one_failed(lab: Any, lost: None) -> None:
    """A step that is said to have failed fails, and the run with it."""
    result, asked = await resume(lab, {"left": "fail", "right": "done"})
    assert (result.end.reason, asked) == (EndReason.FAILED, [])
    assert "step 'left'" in result.end.detail
