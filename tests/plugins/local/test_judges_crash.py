"""A run that dies while a gate's judge is asked goes on to the same end, and pays for no recorded answer twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, MissingRequirement

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest

JUDGE = {
    "kind": "rubric",
    "repeat": 3,
    "agent": {"provider": "scripted"},
    "options": {"criteria": [{"name": name, "description": f"It is {name}."} for name in ("right", "short")]},
}
SCORES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""What the judge says, one after the other: two criteria, three times."""


def spec() -> dict[str, Any]:
    """A loop with two judge gates, the first of which asks six times."""
    gates = [
        {"name": "good", "kind": "judge", "threshold": 0.7, "judge": JUDGE},
        {"name": "same", "kind": "judge", "judge": {"kind": "exact", "options": {"expected": "work"}}},
    ]
    step = {"name": "work", "verification_gates": ["good", "same"]}
    return loop_spec(step, policy={"verification_gates": gates})


class Agent:
    """Answers each of the judge's questions by its number, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, request: AgentRequest) -> AgentReply:
        """Answer."""
        self.asked.append(request.step)
        if request.step == "work":
            return AgentReply("work", {"total_tokens": 100}, cost_usd=1.0, cost_source="reported")
        number = int(request.step.rsplit(" ", 1)[1])
        said = json.dumps({"reasoning": f"answer {number}", "score": SCORES[number - 1]})
        return AgentReply(said, {"total_tokens": 10}, cost_usd=0.125, cost_source="reported")


class Answering(ScriptedAgent):
    """Has all requests answered by one function, whatever their step is called."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Answer."""
        reply: AgentReply = self._answer(request)
        return reply


@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
async def test_no_recorded_answer_is_paid_twice(durable: bool, lab: Any, dying: Any, killed: Any) -> None:
    """For every append: after a death there and a resume, at most the one answer under way is asked for again."""
    deaths = 0
    for at in range(2, 60):
        storage = dying(lab.memory, at=at, durable=durable)
        agent = Agent()
        scripted = Answering(agent)
        run_id = f"run-{durable}-{at}"
        try:
            await run_loop(lab.kernel(storage=storage, agents=scripted), spec(), run_id=run_id)
        except* killed:
            deaths += 1
        if not storage.dead:
            break
        await storage.bury()
        result = await resume_loop(lab.kernel(agents=scripted), run_id)
        assert result.end.reason == "goal_met", at
        again = len(agent.asked) - 7
        assert 0 <= again <= (0 if durable else 1), (at, agent.asked)
        fold, events = await lab.load(run_id)
        scores = [event.data for event in events if event.type == "judge.score"]
        assert [data["judge"] for data in scores] == ["rubric", "exact"]
        assert scores[0]["scores"] == pytest.approx([0.55, 0.75, 0.95])
        assert scores[0]["score"] == pytest.approx(0.75)
        # What was answered and not written down was paid for, and nobody knows of it; all else is in the totals.
        assert (fold.tokens, fold.cost_usd) == (100 + 6 * 10, 1 + 6 * 0.125)
        responses = [event.data["call"] for event in events if event.type == "model.response"]
        assert responses == [f"gate good/other {number}/model 1" for number in range(1, 7)]
    assert deaths >= 9, "the answer of the step, six of the judge, and the end"
    assert not storage.dead


async def test_a_run_without_a_death_asks_once_each(lab: Any) -> None:
    """Undisturbed, the judge is asked six times."""
    agent = Agent()
    scripted = Answering(agent)
    result = await run_loop(lab.kernel(agents=scripted), spec())
    assert result.end.reason == "goal_met"
    assert agent.asked == ["work", *(f"work gate good {number}" for number in range(1, 7))]


async def test_after_a_failed_ask_the_recorded_answers_still_fit(lab: Any) -> None:
    """An ask that had to be repeated keeps its number, so that what follows is found again after an interruption."""
    agent = Agent()
    trouble = [AgentError("not yet", kind="ConnectionError", retry_after=0.01)]

    def answer(request: AgentRequest) -> AgentReply:
        if request.step.endswith(" 2") and trouble:
            agent.asked.append(request.step)
            raise trouble.pop()
        if request.step.endswith(" 4") and agent.asked.count(request.step) == 0:
            agent.asked.append(request.step)
            raise MissingRequirement("the key is gone")
        return agent(request)

    scripted = Answering(answer)
    broken_off = await run_loop(lab.kernel(agents=scripted), spec(), run_id="broken-off")
    assert "the key is gone" in broken_off.end.detail
    result = await resume_loop(lab.kernel(agents=scripted), "broken-off")
    assert result.end.reason == "goal_met"
    numbers = [name.rsplit(" ", 1)[1] for name in agent.asked if name != "work"]
    assert numbers == ["1", "2", "2", "3", "4", "4", "5", "6"]
