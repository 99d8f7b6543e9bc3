"""The built-in patterns: what each does with its steps, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.engines import RunResult
from loopengt_hookspecs.errors import AgentError

GOOD = {"name": "good", "condition": "output == 'good'"}


def run(tmp_path: Path, agent: ScriptedAgent, spec: dict[str, Any]) -> RunResult:
    """Run a spec with a scripted agent."""
    return run_loop_sync(make_kernel(tmp_path, agents=agent), spec)


class TestSequential:
    """Every step once, in order."""

    def test_steps_run_in_declaration_order(self, tmp_path: Path) -> None:
        """Without dependencies the order is that of the file, and the run ends goal_met."""
        agent = ScriptedAgent("1", "2", "3")
        result = run(tmp_path, agent, loop_spec("a", "b", "c"))
        assert result.end.reason == "goal_met"
        assert [request.step for request in agent.requests] == ["a", "b", "c"]
        assert result.output == "3"

    def test_a_step_waits_for_those_it_depends_on(self, tmp_path: Path) -> None:
        """A step that is declared too early is taken after its dependencies; the others keep their places."""
        agent = ScriptedAgent("1", "2", "3")
        run(tmp_path, agent, loop_spec({"name": "late", "dependencies": ["last"]}, "first", "last"))
        assert [request.step for request in agent.requests] == ["first", "last", "late"]

    def test_the_first_failed_step_ends_the_run(self, tmp_path: Path) -> None:
        """With fail_fast, which is the default, nothing comes after a failed step."""
        agent = ScriptedAgent(AgentError("no luck"), "never asked")
        result = run(tmp_path, agent, loop_spec("a", "b"))
        assert result.end.reason == "failed"
        assert "no luck" in result.end.detail
        assert len(agent.requests) == 1

    def test_without_fail_fast_independent_steps_go_on(self, tmp_path: Path) -> None:
        """What depends on the failed step is skipped, the rest is done, and the run has failed all the same."""
        agent = ScriptedAgent(AgentError("no luck"), "done")
        spec = loop_spec("a", {"name": "after", "dependencies": ["a"]}, "b", policy={"fail_fast": False})
        result = run(tmp_path, agent, spec)
        states = result.snapshot().step_states
        assert {name: state.status.value for name, state in states.items()} == {
            "a": "failed",
            "after": "skipped",
            "b": "completed",
        }
        assert result.end.reason == "failed"

    def test_a_false_condition_skips_the_step_and_what_follows_it(self, tmp_path: Path) -> None:
        """A dependency's condition is asked about the result of that step."""
        agent = ScriptedAgent({"ready": False}, "other")
        spec = loop_spec(
            "check",
            {"name": "use", "dependencies": [{"step_name": "check", "condition": "output.ready"}]},
            {"name": "clean", "dependencies": ["use"]},
            "other",
        )
        result = run(tmp_path, agent, spec)
        assert result.end.reason == "goal_met"
        assert [request.step for request in agent.requests] == ["check", "other"]
        assert result.snapshot().step_states["clean"].status == "skipped"

    def test_a_gate_that_is_tolerated_cannot_make_a_success(self, tmp_path: Path) -> None:
        """on_failure: continue lets the run go on, but not end goal_met."""
        agent = ScriptedAgent("bad", "bad")
        gate = {**GOOD, "on_failure": "continue"}
        spec = loop_spec(
            {"name": "a", "verification_gates": ["good"]}, "b", policy={"verification_gates": [gate]}
        )
        result = run(tmp_path, agent, spec)
        assert len(agent.requests) == 2
        assert result.end.reason == "blocked"
        assert "good" in result.end.detail
        assert result.end.reason.exit_code == 3


class TestRepeat:
    """Lap after lap, until the gates pass."""

    def spec(self, **policy: Any) -> dict[str, Any]:
        """A loop of two steps, the second gated."""
        return loop_spec(
            "edit",
            {"name": "check", "verification_gates": ["good"], "prompt_template": "lap {lap}: {feedback}"},
            pattern="repeat",
            policy={"verification_gates": [GOOD], **policy},
        )

    def test_laps_go_on_until_every_gate_passes(self, tmp_path: Path) -> None:
        """A failed gate ends the lap, not the run, and is told to the next lap as feedback."""
        agent = ScriptedAgent(steps={"edit": ["e1", "e2", "e3"], "check": ["bad", "worse", "good"]})
        result = run(tmp_path, agent, self.spec())
        assert result.end == ("goal_met", "every gate of lap 3 passed")
        prompts = [request.prompt for request in agent.asked("check")]
        assert prompts[0] == "lap 1: "
        assert prompts[1].startswith("lap 2: [good] ")
        assert "'bad'" in prompts[1] or "bad" in prompts[1]
        assert [request.attempt for request in agent.requests] == [1] * 6

    def test_feedback_reaches_a_prompt_that_has_no_place_for_it(self, tmp_path: Path) -> None:
        """It is put below the prompt, under a heading."""
        agent = ScriptedAgent(steps={"edit": ["e1", "e2"], "check": ["bad", "good"]})
        run(tmp_path, agent, self.spec())
        assert "not accepted" not in agent.asked("edit")[0].prompt
        assert "The previous attempt was not accepted:\n[good]" in agent.asked("edit")[1].prompt

    def test_turns_bound_the_laps(self, tmp_path: Path) -> None:
        """A loop that never gets there ends exhausted, after exactly max_turns turns."""
        agent = ScriptedAgent(steps={"edit": lambda _: "e", "check": lambda _: "bad"})
        result = run(tmp_path, agent, self.spec(max_turns=7))
        assert result.end.reason == "exhausted"
        assert len(agent.requests) == 7

    def test_an_error_fails_the_lap_and_too_many_fail_the_run(self, tmp_path: Path) -> None:
        """One bad lap is survived; more in a row than max_retries are not."""
        agent = ScriptedAgent(steps={"edit": [AgentError("once"), "e2"], "check": ["good"]})
        assert run(tmp_path, agent, self.spec()).end.reason == "goal_met"
        always = ScriptedAgent(steps={"edit": lambda _: AgentError("always"), "check": []})
        result = run(tmp_path, always, self.spec(retry={"max_retries": 2, "initial_delay_seconds": 0}))
        assert result.end.reason == "failed"
        assert len(always.requests) == 3
        assert "always" in result.end.detail

    def test_an_aborting_gate_ends_the_run_at_once(self, tmp_path: Path) -> None:
        """on_failure: abort is not answered by another lap."""
        agent = ScriptedAgent(steps={"edit": ["e"], "check": ["bad"]})
        result = run(tmp_path, agent, self.spec(verification_gates=[{**GOOD, "on_failure": "abort"}]))
        assert result.end.reason == "blocked"
        assert len(agent.requests) == 2

    def test_a_goal_expression_must_hold_too(self, tmp_path: Path) -> None:
        """Passing gates do not end the run while the goal_met condition is false."""
        agent = ScriptedAgent(steps={"edit": [{"left": 2}, {"left": 1}, {"left": 0}], "check": ["good"] * 3})
        goal = {"condition_type": "goal_met", "value": "steps.edit.output.left == 0"}
        result = run(tmp_path, agent, {**self.spec(), "stop_conditions": [goal]})
        assert result.end.reason == "goal_met"
        assert len(agent.asked("edit")) == 3

    def test_without_gates_only_stop_conditions_end_it(self, tmp_path: Path) -> None:
        """A loop without gates and goal is not done after its first lap."""
        agent = ScriptedAgent(lambda request: "x", steps={"work": lambda _: "x"})
        stop = {"condition_type": "max_turns", "value": 4}
        result = run(tmp_path, agent, loop_spec(pattern="repeat", stop_conditions=[stop]))
        assert result.end.reason == "exhausted"
        assert len(agent.requests) == 4


class TestEvaluatorOptimizer:
    """Judge, improve, judge again."""

    def spec(self, *stops: dict[str, Any]) -> dict[str, Any]:
        """A loop of a judge and an improver."""
        improve = {"name": "improve", "prompt_template": "{feedback}"}
        return loop_spec("judge", improve, pattern="evaluator_optimizer", stop_conditions=list(stops))

    @pytest.mark.parametrize(
        ("verdicts", "laps"),
        [
            ([{"score": 0.5}, {"score": 0.8}], 2),
            ([{"quality": 0.9}], 1),
            ([{"passed": False, "score": 1}, {"passed": True, "score": 0}], 2),
            ([{"approved": True}], 1),
        ],
    )
    def test_it_improves_until_the_judge_is_satisfied(
        self, tmp_path: Path, verdicts: list[dict[str, Any]], laps: int
    ) -> None:
        """passed and approved go before score and quality, which are held against 0.8."""
        agent = ScriptedAgent(steps={"judge": verdicts, "improve": ["better"] * 5})
        result = run(tmp_path, agent, self.spec())
        assert result.end.reason == "goal_met"
        assert len(agent.asked("judge")) == laps
        assert len(agent.asked("improve")) == laps - 1

    def test_the_threshold_is_that_of_the_stop_condition(self, tmp_path: Path) -> None:
        """quality_threshold takes the place of 0.8."""
        agent = ScriptedAgent(steps={"judge": [{"score": 0.85}, {"score": 0.96}], "improve": ["better"]})
        run(tmp_path, agent, self.spec({"condition_type": "quality_threshold", "value": 0.95}))
        assert len(agent.asked("improve")) == 1

    def test_the_improver_hears_the_judge(self, tmp_path: Path) -> None:
        """The judge's words are the improver's feedback."""
        verdicts = [{"score": 0, "feedback": "too long"}, {"score": 1}]
        agent = ScriptedAgent(steps={"judge": verdicts, "improve": ["x"]})
        run(tmp_path, agent, self.spec())
        assert agent.asked("improve")[0].prompt == "too long"

    @pytest.mark.parametrize("unreadable", ["fine!", {"verdict": "good"}, {"score": "0.9"}, None, ["passed"]])
    def test_an_unreadable_judge_is_never_success(self, tmp_path: Path, unreadable: Any) -> None:
        """A verdict without a score fails the run."""
        agent = ScriptedAgent(steps={"judge": [unreadable], "improve": []})
        result = run(tmp_path, agent, self.spec())
        assert result.end.reason == "failed"
        assert "judge" in result.end.detail

    def test_one_step_is_not_enough(self, tmp_path: Path) -> None:
        """The run fails before anything is asked, and says what to add."""
        agent = ScriptedAgent()
        result = run(tmp_path, agent, loop_spec(pattern="evaluator_optimizer"))
        assert result.end.reason == "failed"
        assert "needs two" in result.end.detail
        assert "Add a second step" in result.end.detail
        assert not agent.requests
