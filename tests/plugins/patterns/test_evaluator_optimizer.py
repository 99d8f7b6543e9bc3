"""``evaluator_optimizer``: dependencies, failures, items and text verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.testing import loop_spec
from loopengt_hookspecs.errors import AgentError

Bench = Any

BAD, GOOD = {"score": 0.1}, {"score": 0.9}


def spec(*steps: Any, **fields: Any) -> dict[str, Any]:
    """Make a loop whose first step judges."""
    return loop_spec(*steps, pattern="evaluator_optimizer", **fields)


def order(agent: Any) -> list[str]:
    """The steps in the order in which they were asked."""
    return [request.step for request in agent.requests]


async def test_what_the_judge_depends_on_comes_before_it(bench: Bench) -> None:
    """A draft is made before it is judged, and improved in each lap as the other steps are."""
    judge = {"name": "judge", "dependencies": ["draft"]}
    declared = spec(judge, "polish", "draft")
    result, agent = await bench.run(declared, judge=[BAD, GOOD], draft=["1", "2"], polish=["p"])
    assert order(agent) == ["draft", "judge", "polish", "draft", "judge"]
    assert result.end.reason == "goal_met"


async def test_improvers_follow_those_they_depend_on(bench: Bench) -> None:
    """However they are declared; one may depend on the judge."""
    declared = spec("judge", {"name": "b", "dependencies": ["a"]}, {"name": "a", "dependencies": ["judge"]})
    _, agent = await bench.run(declared, judge=[BAD, GOOD], a=["a"], b=["b"])
    assert order(agent) == ["judge", "a", "b", "judge"]


async def test_an_improver_is_skipped_by_a_condition(bench: Bench) -> None:
    """A condition on the verdict chooses who improves."""
    low = {"name": "rewrite", "dependencies": [{"step_name": "judge", "condition": "output.score < 0.3"}]}
    high = {"name": "polish", "dependencies": [{"step_name": "judge", "condition": "output.score >= 0.3"}]}
    answers: dict[str, Any] = {"judge": [BAD, {"score": 0.5}, GOOD], "rewrite": ["r"], "polish": ["p"]}
    _, agent = await bench.run(spec("judge", low, high), **answers)
    assert order(agent) == ["judge", "rewrite", "judge", "polish", "judge"]


async def test_a_verdict_in_text_is_read(bench: Bench) -> None:
    """JSON in the judge's text counts, and its feedback is told."""
    said = 'Not yet.\n```json\n{"passed": false, "feedback": "shorter"}\n```'
    result, agent = await bench.run(spec("judge", "improve"), judge=[said, '{"passed": true}'], improve=["x"])
    assert agent.asked("improve")[0].feedback == "shorter"
    assert result.end == ("goal_met", "step 'judge' is satisfied: passed is true")


@pytest.mark.parametrize("score", ['{"score": NaN}', '{"score": Infinity}', float("inf")])
async def test_a_score_that_is_no_number_is_no_verdict(bench: Bench, score: Any) -> None:
    """Infinity does not pass every threshold."""
    output = score if isinstance(score, str) else {"score": str(score)}
    result, _ = await bench.run(spec("judge", "improve"), judge=[output])
    assert result.end.reason == "failed"


async def test_a_judge_of_items_is_satisfied_with_all_of_them(bench: Bench) -> None:
    """One item below the threshold calls for another lap; one without a verdict fails the run."""
    judge = {"name": "judge", "for_each": "['x', 'y']"}
    answers: dict[str, Any] = {"judge[0]": [GOOD, GOOD], "judge[1]": [BAD, GOOD], "improve": ["i"]}
    result, agent = await bench.run(spec(judge, "improve"), **answers)
    assert len(agent.asked("improve")) == 1
    assert result.end.reason == "goal_met"
    result, _ = await bench.run(spec(judge, "improve"), **{"judge[0]": [GOOD], "judge[1]": ["fine"]})
    assert result.end.reason == "failed"


async def test_a_judge_that_is_skipped_is_no_success(bench: Bench) -> None:
    """Nobody was satisfied."""
    judge = {"name": "judge", "dependencies": [{"step_name": "draft", "condition": "false"}]}
    result, _ = await bench.run(spec(judge, "draft"), draft=["d"])
    assert result.end == ("failed", "step 'judge', which judges, was skipped")


async def test_failures_of_improvers_and_of_the_judge(bench: Bench) -> None:
    """With fail_fast an improver's failure ends the run, without it the judge goes on; its own always does."""
    failing: dict[str, Any] = {"improve": [AgentError("no luck"), "x"]}
    result, _ = await bench.run(spec("judge", "improve"), judge=[BAD], **failing)
    assert result.end == ("failed", "step 'improve': no luck")
    calm = {"fail_fast": False}
    result, agent = await bench.run(spec("judge", "improve", policy=calm), judge=[BAD, BAD, GOOD], **failing)
    assert order(agent) == ["judge", "improve", "judge", "improve", "judge"]
    assert result.end.reason == "goal_met"
    result, _ = await bench.run(spec("judge", "improve", policy=calm), judge=[AgentError("ill")])
    assert result.end == ("failed", "step 'judge': ill")


async def test_a_satisfied_judge_does_not_talk_a_failure_away(bench: Bench) -> None:
    """The run is no success while a step has failed, or the gate of one."""
    calm = {"fail_fast": False}
    answers: dict[str, Any] = {"judge": [BAD, GOOD], "improve": [AgentError("no luck")]}
    result, _ = await bench.run(spec("judge", "improve", policy=calm), **answers)
    assert result.end == ("failed", "step 'improve' failed")
    gate = {"name": "good", "condition": "output == 'good'", "on_failure": "continue"}
    improve = {"name": "improve", "verification_gates": ["good"]}
    declared = spec("judge", improve, policy={"verification_gates": [gate]})
    result, _ = await bench.run(declared, judge=[BAD, GOOD], improve=["bad"])
    assert result.end.reason == "blocked"
