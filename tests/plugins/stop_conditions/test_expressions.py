"""Stop conditions that ask about results: what they see, when they wait, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt import LoopengtError
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.models import LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.engines import RunResult


def run(tmp_path: Path, stop: dict[str, Any], *steps: Any, **fields: Any) -> tuple[RunResult, ScriptedAgent]:
    """Run a loop with one stop condition; each step answers with its name, its lap and a score."""
    agent = ScriptedAgent(
        agents={
            "worker": lambda request: {
                "by": request.step,
                "n": request.occurrence,
                "score": request.occurrence / 10,
            }
        }
    )
    spec = loop_spec(
        *steps, stop_conditions=[stop], **{"pattern": "repeat", "policy": {"max_turns": 12}, **fields}
    )
    return run_loop_sync(make_kernel(tmp_path, agents=agent), spec), agent


@pytest.mark.parametrize("value", ["true", " True ", "", True, None])
def test_goal_met_that_is_just_true_means_that_all_is_done(tmp_path: Path, value: Any) -> None:
    """As files of the first version have it: the run ends once every step has completed and no gate fails."""
    result, agent = run(tmp_path, {"condition_type": "goal_met", "value": value}, "a", "b")
    assert result.end == ("goal_met", "all steps completed and their gates passed")
    assert [request.step for request in agent.requests] == ["a", "b"]


@pytest.mark.parametrize("kind", ["goal_met", "custom"])
def test_a_condition_on_a_later_step_waits_for_it(tmp_path: Path, kind: str) -> None:
    """Before the step has run there is nothing to ask about: the condition does not hold, and is no error."""
    stop = {"condition_type": kind, "value": "steps.b.output.n >= 2"}
    result, agent = run(tmp_path, stop, "a", "b", "c")
    assert result.end.reason == ("goal_met" if kind == "goal_met" else "stopped")
    assert [request.step for request in agent.requests] == ["a", "b", "c", "a", "b"]


def test_a_condition_sees_the_last_result_the_run_and_the_context(tmp_path: Path) -> None:
    """output and result are those of the step that completed last; run and context are there as elsewhere."""
    value = "output.by == 'b' and result.output.n == 2 and run.turn == 4 and context.wanted == 2"
    stop = {"condition_type": "goal_met", "value": value}
    result, agent = run(tmp_path, stop, "a", "b", context={"wanted": 2})
    assert result.end.reason == "goal_met"
    assert len(agent.requests) == 4


@pytest.mark.parametrize("kind", ["goal_met", "custom"])
def test_a_condition_without_a_value_fails_the_run(tmp_path: Path, kind: str) -> None:
    """A field that the output does not have is neither true nor false: the run fails and names the expression."""
    result, agent = run(tmp_path, {"condition_type": kind, "value": "steps.a.output.total > 1"}, "a")
    assert result.end.reason == "failed"
    assert "steps.a.output.total" in result.end.detail
    assert len(agent.requests) == 1


def test_a_score_does_not_count_while_a_gate_fails(tmp_path: Path) -> None:
    """quality_threshold ends the run only when the gates of the last execution passed."""
    gate = {"name": "fourth", "condition": "output.n >= 4"}
    step = {"name": "a", "verification_gates": ["fourth"]}
    stop = {"condition_type": "quality_threshold", "value": 0.2}
    result, agent = run(tmp_path, stop, step, policy={"max_turns": 12, "verification_gates": [gate]})
    assert result.end.reason == "goal_met"
    assert len(agent.requests) == 4


@pytest.mark.parametrize("output", ["0.9", {"score": True}, {"score": "0.9"}, {"points": 1}, [0.9], None])
def test_what_is_no_score_does_not_end_a_run(tmp_path: Path, output: Any) -> None:
    """Texts, truth values and other keys are not taken for a score."""
    agent = ScriptedAgent(agents={"worker": lambda _: output})
    stop = {"condition_type": "quality_threshold", "value": 0.1}
    spec = loop_spec(pattern="repeat", policy={"max_turns": 2}, stop_conditions=[stop])
    assert run_loop_sync(make_kernel(tmp_path, agents=agent), spec).end.reason == "exhausted"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("max_turns", 0),
        ("max_turns", 2.5),
        ("max_turns", "3"),
        ("max_turns", True),
        ("max_turns", None),
        ("timeout", -1),
        ("timeout", "soon"),
        ("quality_threshold", {}),
        ("goal_met", 3),
        ("goal_met", "output.n >"),
        ("custom", None),
        ("custom", ["x"]),
    ],
)
@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "made"])
def test_a_value_of_the_wrong_kind_is_refused_before_the_run(
    tmp_path: Path, kind: str, value: Any, loaded: bool
) -> None:
    """Whether the spec comes from a file or was made by a program, nothing is executed."""
    spec: Any = loop_spec(stop_conditions=[{"condition_type": kind, "value": value}])
    agent = ScriptedAgent()
    with pytest.raises(LoopengtError):
        run_loop_sync(make_kernel(tmp_path, agents=agent), spec if loaded else LoopSpec.model_validate(spec))
    assert agent.requests == []
