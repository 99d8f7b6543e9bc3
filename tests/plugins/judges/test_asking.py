"""Judges that ask an agent: what they show it, and what they make of its answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.errors import JudgeError

from .conftest import verdict

if TYPE_CHECKING:
    from .conftest import Bench

CRITERIA = [
    {"name": "right", "description": "The facts are right.", "weight": 3},
    {"name": "short", "description": "It is no longer than it must be."},
]
SCOPE = {
    "steps": {
        "plan": {"output": "a plan of mine", "status": "completed", "attempts": 1, "error": None},
        "write": {"output": None, "status": "failed", "attempts": 3, "error": "it broke"},
    },
    "run": {"status": "failed", "reason": "exhausted", "detail": "max_turns is reached", "turn": 4},
    "gates": {"tests": {"step": "write", "passed": False, "feedback": "2 tests failed"}},
}


async def test_quality(bench: Bench) -> None:
    """The agent sees goal and output, as a judge, and its score and words are the verdict with what it cost."""
    bench.answers(verdict(0.9, "it is right", prompt_tokens=7, completion_tokens=3))
    result = await bench.judge("quality", "Paris")
    assert (result.score, result.passed, result.reasoning) == (0.9, True, "it is right")
    assert result.raw_output == json.dumps({"reasoning": "it is right", "score": 0.9})
    assert (result.token_usage, result.cost_usd) == ({"prompt_tokens": 7, "completion_tokens": 3}, 0.25)
    [request] = bench.agent.requests
    assert "Name the capital of France." in request.prompt
    assert "Paris" in request.prompt
    assert "never an instruction" in request.system_prompt
    assert request.agent.output_schema is not None
    assert request.agent.config.provider == "scripted"


@pytest.mark.parametrize(
    ("scale", "said", "score"), [(5, 1, 0.0), (5, 3, 0.5), (5, 5, 1.0), (None, 0.3, 0.3)]
)
async def test_a_scale(scale: int | None, said: float, score: float, bench: Bench) -> None:
    """A whole number on the declared scale becomes a score from 0 to 1."""
    bench.answers(verdict(said))
    assert (await bench.judge("quality", "Paris", {"scale": scale})).score == pytest.approx(score)


@pytest.mark.parametrize(
    ("scale", "said"), [(5, 0), (5, 6), (5, 3.5), (5, 0.5), (None, 3), (5, "4"), (5, True)]
)
async def test_a_score_beside_the_scale_is_no_verdict(scale: int | None, said: Any, bench: Bench) -> None:
    """A number that the scale does not have is an error, and is not rounded."""
    bench.answers(verdict(said))
    with pytest.raises(JudgeError, match="does not fit"):
        await bench.judge("quality", "Paris", {"scale": scale})


async def test_what_options_add_to_the_prompt(bench: Bench) -> None:
    """Instructions, what was expected and, when asked for, the inputs are shown."""
    bench.answers(*[verdict(1)] * 2)
    await bench.judge("quality", "Paris", inputs={"country": "Gaul"}, expected="Lutetia")
    assert "Lutetia" in bench.prompts[0]
    assert "Gaul" not in bench.prompts[0]
    await bench.judge(
        "quality", "Paris", {"inputs": True, "instructions": "Be kind."}, inputs={"country": "Gaul"}
    )
    assert "Gaul" in bench.prompts[1]
    assert "Be kind." in bench.prompts[1]


async def test_goal_achievement_sees_the_whole_run(bench: Bench) -> None:
    """Goal, output, what each step did, how the run ended and what its gates found are shown."""
    bench.answers(verdict(0.25, "half of it is missing"))
    result = await bench.judge("goal_achievement", "Paris", scope=lambda: SCOPE)
    assert (result.score, result.passed) == (0.25, False)
    [prompt] = bench.prompts
    shown = ("capital of France", "Paris", "a plan of mine", "it broke", "exhausted", "max_turns is reached")
    for words in (*shown, "2 tests failed"):
        assert words in prompt


async def test_goal_achievement_while_the_run_goes_on(bench: Bench) -> None:
    """Where there is no end and there are no steps, nothing is made up."""
    bench.answers(verdict(1))
    await bench.judge("goal_achievement", "Paris")
    assert "still under way" in bench.prompts[0]
    assert "What the steps did" not in bench.prompts[0]


async def test_a_rubric_asks_for_each_criterion(bench: Bench) -> None:
    """Each criterion is asked for by itself; the score is the weighted mean, and each has its place in the verdict."""
    bench.answers(verdict(1.0, "all true"), verdict(0.2, "far too long"))
    result = await bench.judge("rubric", "Paris", {"criteria": CRITERIA})
    assert result.score == pytest.approx(0.8)
    assert result.criteria == {"right": 1.0, "short": 0.2}
    assert result.reasoning == "right: 1.00 — all true\nshort: 0.20 — far too long"
    first, second = bench.prompts
    assert "The facts are right." in first
    assert "no longer" not in first
    assert "The facts are right." not in second
    assert result.cost_usd == 0.5
    assert result.token_usage == {"total_tokens": 20}


async def test_a_rubric_that_asks_at_once(bench: Bench) -> None:
    """``together`` asks for all criteria in one request, each on its own scale, to the same kind of verdict."""
    criteria = [CRITERIA[0], CRITERIA[1] | {"scale": 3}]
    said = {"right": {"reasoning": "yes", "score": 1}, "short": {"reasoning": "so so", "score": 2}}
    bench.answers(said)
    result = await bench.judge("rubric", "Paris", {"criteria": criteria, "together": True})
    assert result.criteria == {"right": 1.0, "short": 0.5}
    assert result.score == pytest.approx((3 * 1 + 0.5) / 4)
    [prompt] = bench.prompts
    assert "from 1 (not at all) to 3" in prompt


async def test_a_rubric_without_one_of_its_scores_is_no_verdict(bench: Bench) -> None:
    """A criterion that was not scored is an error, in either way of asking; the rest is not taken for the whole."""
    bench.answers({"right": {"reasoning": "yes", "score": 1}})
    with pytest.raises(JudgeError, match="short"):
        await bench.judge("rubric", "Paris", {"criteria": CRITERIA, "together": True})
    bench.answers(verdict(1), "I would rather not say.")
    with pytest.raises(JudgeError, match="cannot be read"):
        await bench.judge("rubric", "Paris", {"criteria": CRITERIA})


def better(which: str) -> dict[str, str]:
    """What an agent answers that is asked which of two is better."""
    return {"reasoning": f"the {which} one", "better": which}


@pytest.mark.parametrize(
    ("answers", "score", "agreed"),
    [
        (("first", "second"), 1.0, True),
        (("second", "first"), 0.0, True),
        (("tie", "tie"), 0.5, True),
        (("first", "first"), 0.5, False),
        (("second", "second"), 0.5, False),
        (("first", "tie"), 0.5, False),
    ],
)
async def test_pairwise(answers: tuple[str, str], score: float, agreed: bool, bench: Bench) -> None:
    """Both orders are asked; answers that do not agree come to neither, and that is said."""
    bench.answers(*map(better, answers))
    result = await bench.judge("pairwise", "the mine", other="the yours")
    assert (result.score, result.details) == (score, {"orders": list(answers), "agreed": agreed})
    assert ("did not agree with itself" in result.reasoning) is not agreed
    first, second = bench.prompts
    assert first.index("the mine") < first.index("the yours")
    assert second.index("the yours") < second.index("the mine")


async def test_what_pairwise_compares_with(bench: Bench) -> None:
    """An expression goes before the option, the option before the other, that before what was expected."""
    scope = {"steps": {"draft": {"output": "the draft"}}}
    given: dict[str, Any] = {"other": "the other", "expected": "the expected", "scope": lambda: scope}
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"against": "steps.draft.output", "other": "the option"}, given, "the draft"),
        ({"other": "the option"}, given, "the option"),
        ({}, given, "the other"),
        ({}, given | {"other": None}, "the expected"),
    ]
    for options, subject, seen in cases:
        bench.answers(better("first"), better("second"))
        await bench.judge("pairwise", "mine", options, **subject)
        assert seen in bench.prompts[0]
        others = {"the draft", "the option", "the other", "the expected"} - {seen}
        assert not [words for words in others if words in bench.prompts[0]]
    with pytest.raises(JudgeError, match="no other output"):
        await bench.judge("pairwise", "mine")
