"""Fields of a judge in a gate, each seen at work from end to end: with real programs as agents and as judges."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import RecordingObserver, loop_spec, make_kernel, run_loop_sync

if TYPE_CHECKING:
    from pathlib import Path

SCORES = """
echo "$LOOPENGT_STEP" >> {project}/.loopengt/asked
score=$(echo "{scores}" | cut -d' ' -f$(( $(wc -l < {project}/.loopengt/asked) )))
printf '{{"reasoning": "said by %s", "score": %s}}' "{who}" "$score"
"""
"""A critic that gives one score after the other."""


def critic(project: Path, scores: str, who: str = "the critic") -> dict[str, Any]:
    """Describe an agent that gives these scores, one at each call."""
    (project / ".loopengt").mkdir(exist_ok=True)
    script = SCORES.format(project=project, scores=scores, who=who)
    return {"provider": "command", "extra": {"command": script}}


class Run:
    """A run of one step whose gate asks a judge, without retries."""

    def __init__(self, project: Path, judge: Any, **gate: Any) -> None:
        worker = {"name": "worker", "config": {"provider": "command", "extra": {"command": "echo work"}}}
        agents = [worker, *gate.pop("agents", [])]
        gates = [{"name": "good", "kind": "judge", "judge": judge, **gate}]
        spec = loop_spec(
            {"name": "work", "verification_gates": ["good"]},
            agents=agents,
            policy={"verification_gates": gates, "retry": {"max_retries": 0}},
        )
        seen = RecordingObserver()
        self.reason = run_loop_sync(make_kernel(project), spec, observers=[seen]).end.reason
        self.scores = [event.data for event in seen.events if event.event_type == "judge.score"]
        self.verdicts = [event.data for event in seen.events if event.event_type.family == "gate"]
        file = project / ".loopengt/asked"
        self.asked = len(file.read_text().splitlines()) if file.exists() else 0


@pytest.mark.parametrize(
    ("own", "gates", "score", "reason"),
    [
        (None, None, 0.8, "goal_met"),
        (None, None, 0.79, "blocked"),
        (None, 0.5, 0.5, "goal_met"),
        (None, 0.5, 0.49, "blocked"),
        (0.3, None, 0.3, "goal_met"),
        (0.3, None, 0.29, "blocked"),
    ],
)
def test_a_score_from_the_threshold_passes(
    own: float | None, gates: float | None, score: float, reason: str, tmp_path: Path
) -> None:
    """The threshold of the judge or of the gate decides, 0.8 where neither says one; the journal has the score."""
    judge = {"kind": "quality", "agent": critic(tmp_path, str(score)), "threshold": own}
    run = Run(tmp_path, judge, threshold=gates)
    assert run.reason == reason
    assert [data["score"] for data in run.scores] == [score]


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        (
            {"kind": "quality", "agent": {"provider": "command", "extra": {"command": "echo fine"}}},
            "cannot be read",
        ),
        (
            {"kind": "quality", "agent": {"provider": "command", "extra": {"command": "exit 3"}}},
            "exit code 3",
        ),
        (
            {
                "kind": "quality",
                "timeout_seconds": 0.3,
                "agent": {"provider": "command", "extra": {"command": "sleep 60"}},
            },
            "longer than its 0.3 seconds",
        ),
        ({"kind": "exact"}, "nothing expected"),
        (
            {"kind": "command", "options": {"command": "echo 1.5", "score_from": "stdout"}},
            "no number from 0 to 1",
        ),
    ],
    ids=["unreadable", "broken", "slow", "nothing to go by", "too high"],
)
def test_without_a_verdict_it_fails(judge: dict[str, Any], words: str, tmp_path: Path) -> None:
    """A judge that cannot tell, breaks down or takes too long lets nothing pass, and the gate says so."""
    run = Run(tmp_path, judge)
    assert run.reason == "blocked"
    assert not run.scores
    [verdict] = run.verdicts
    assert "could not be checked" in verdict["feedback"]
    assert words in verdict["feedback"]


def test_the_name_of_a_verdict(tmp_path: Path) -> None:
    """A verdict has the judge's name, or that of its kind."""
    options = {"expected": "work"}
    for name in (None, "same as before"):
        run = Run(tmp_path, {"kind": "exact", "name": name, "options": options})
        assert (run.reason, run.scores[0]["judge"]) == ("goal_met", name or "exact")


@pytest.mark.parametrize(
    ("aggregate", "scores", "reason", "score"),
    [
        ("mean", "0.7 0.8 0.9", "goal_met", 0.8),
        ("mean", "0.7 0.8 0.8", "blocked", 2.3 / 3),
        ("majority", "0.9 0.1 0.9", "goal_met", 2 / 3),
        ("majority", "0.1 1 0.1", "blocked", 1 / 3),
    ],
)
def test_several_verdicts(aggregate: str, scores: str, reason: str, score: float, tmp_path: Path) -> None:
    """A judge that is asked three times comes to the mean or the majority, with each score in the journal."""
    judge = {"kind": "quality", "repeat": 3, "aggregate": aggregate, "agent": critic(tmp_path, scores)}
    run = Run(tmp_path, judge)
    assert (run.reason, run.asked) == (reason, 3)
    assert run.scores[0]["score"] == pytest.approx(score)
    assert run.scores[0]["scores"] == [float(one) for one in scores.split()]
    assert run.scores[0]["spread"] > 0


def test_who_is_asked(tmp_path: Path) -> None:
    """The agent that the judge declares, or the one of the loop that it names."""
    named = {"name": "reviewer", "config": critic(tmp_path, "1 1", who="the reviewer")}
    run = Run(tmp_path, {"kind": "quality", "agent": "reviewer"}, agents=[named])
    assert run.scores[0]["reasoning"] == "said by the reviewer"
    run = Run(tmp_path, {"kind": "quality", "agent": critic(tmp_path, "1 1")}, agents=[named])
    assert run.scores[0]["reasoning"] == "said by the critic"


def test_options_shape_the_verdict(tmp_path: Path) -> None:
    """Options of a rubric make its criteria, those of a command its program."""
    criteria = [
        {"name": "a", "description": "It is a."},
        {"name": "b", "description": "It is b.", "weight": 3},
    ]
    judge = {"kind": "rubric", "agent": critic(tmp_path, "1 0.5"), "options": {"criteria": criteria}}
    run = Run(tmp_path, judge)
    assert run.scores[0]["criteria"] == {"a": 1.0, "b": 0.5}
    assert run.scores[0]["score"] == pytest.approx(0.625)
    printed = json.dumps({"score": 0.9, "reasoning": "as measured"})
    options = {"command": ["printf", "%s", printed], "score_from": "stdout"}
    run = Run(tmp_path, {"kind": "command", "options": options})
    assert (run.reason, run.scores[0]["reasoning"]) == ("goal_met", "as measured")
