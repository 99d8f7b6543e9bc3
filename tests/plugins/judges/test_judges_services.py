"""Judges that ask a model over a real socket: what a refusing or overloaded service does to the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.journal import load_run
from loopengt.testing import FakeOpenAI, ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "text": json.dumps({"reasoning": "fine", "score": 0.9}),
    "usage": {"prompt_tokens": 10, "completion_tokens": 1},
}


def judged(url: str, **step: Any) -> dict[str, Any]:
    """A loop whose gate asks a model of the service."""
    config = {"provider": "openai-compatible", "model": "m1", "extra": {"base_url": url}}
    gate = {"name": "good", "kind": "judge", "judge": {"kind": "quality", "agent": config}}
    return loop_spec(
        {"name": "work", "verification_gates": ["good"], **step}, policy={"verification_gates": [gate]}
    )


@pytest.mark.slow
@pytest.mark.parametrize("error", ["unauthorized", "model_not_found", "quota_exhausted"])
async def test_a_service_that_refuses_leaves_the_run_open(error: str, tmp_path: Path) -> None:
    """A refused key, an unknown model or no credit ends the run at the open gate; mended, only the gate is left."""
    answers: list[Any] = [{"error": error}, GOOD]
    agent = ScriptedAgent("the work")
    with FakeOpenAI(lambda body: answers.pop(0)) as server:
        spec = judged(server.url)
        kernel = make_kernel(tmp_path, agents=agent)
        async with kernel.storage() as storage:
            result = await run_loop(kernel, spec)
            assert (result.end.reason, "gate 'good'" in result.end.detail) == ("failed", True)
            again = await resume_loop(kernel, result.run_id)
            fold, events = await load_run(storage, result.run_id)
    assert again.end.reason == "goal_met"
    assert len(agent.requests) == 1
    assert fold.tokens == 11
    assert [event.type for event in events if event.type.startswith("gate")] == ["gate.pass"]


@pytest.mark.slow
async def test_an_overloaded_service_is_asked_again(tmp_path: Path) -> None:
    """After a 429 and a 503 the third answer counts; the step has one attempt."""
    answers: list[Any] = [
        {"error": "rate_limited", "retry_after": 0},
        {"error": "unavailable", "retry_after": 0},
        GOOD,
    ]
    agent = ScriptedAgent("the work")
    with FakeOpenAI(lambda body: answers.pop(0)) as server:
        result = await run_loop(make_kernel(tmp_path, agents=agent), judged(server.url))
    assert result.end.reason == "goal_met"
    assert len(agent.requests) == 1


@pytest.mark.slow
async def test_each_item_is_judged(tmp_path: Path) -> None:
    """Items of a for_each are judged each for itself, and what that costs is the declared step's."""
    asked: list[str] = []

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        asked.append(str(body["messages"]))
        return GOOD

    agent = ScriptedAgent(*[lambda request: f"work on {request.prompt}"] * 2)
    with FakeOpenAI(answer) as server:
        spec = judged(server.url, for_each="['red', 'blue']", prompt_template="{item}")
        kernel = make_kernel(tmp_path, agents=agent)
        async with kernel.storage() as storage:
            result = await run_loop(kernel, spec)
            fold, events = await load_run(storage, result.run_id)
    assert result.end.reason == "goal_met"
    assert ["work on red" in said for said in asked] == [True, False]
    assert [event.step for event in events if event.type == "judge.score"] == ["work[0]", "work[1]"]
    assert fold.tokens == 22
    assert fold.spent["work"].tokens == 22
