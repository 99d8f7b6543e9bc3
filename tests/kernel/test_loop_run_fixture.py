"""The fixture loop_run: loops in tests, with scripted, replayed and real agents."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import UsageError
from loopengt.testing import loop_spec, make_kernel, writes
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.models import AgentConfig, JudgeSpec

if TYPE_CHECKING:
    from loopengt.testing import LoopRunner

REAL = [{"name": "writer", "config": {"provider": "openai"}}]
"""An agent that would cost something, and cannot even be reached here."""


def gated(condition: str = "output == 'good'", **fields: Any) -> dict[str, Any]:
    """A loop with one step ``write`` and one gate ``fine``, whose agent is a real one."""
    gates = [{"name": "fine", "condition": condition}]
    policy = {"verification_gates": gates, **fields.pop("policy", {})}
    return loop_spec({"name": "write", "verification_gates": ["fine"]}, agents=REAL, policy=policy, **fields)


class TestScripts:
    """Answers in place of agents."""

    def test_answers_by_step_and_what_can_be_asked_of_the_run(self, loop_run: LoopRunner) -> None:
        """Attempts, verdicts, prompts, feedback, output and cost are those of the real run."""
        spec = gated(context={"topic": "rain"})
        spec["steps"][0]["prompt_template"] = "About {topic}"
        run = loop_run(
            spec, answers={"write": ["bad", AgentReply("good", {"total_tokens": 7}, cost_usd=0.25)]}
        )
        run.assert_goal_met()
        step, gate = run.step("write"), run.gate("fine")
        assert (run.output, run.tokens, run.cost_usd, run.unknown_costs, run.turns) == ("good", 7, 0.25, 0, 1)
        assert (step.status, step.executions, step.attempts, step.outputs) == (
            "completed",
            1,
            2,
            ["bad", "good"],
        )
        assert step.prompts[0] == "About rain"
        assert step.feedback == [f"[fine] {gate.feedback}"]
        assert "output == 'good'" in gate.feedback
        assert (gate.passed, gate.verdicts, gate.checks) == (True, [False, True], 2)
        assert [event.type for event in run.events][-1] == "loop.complete"
        assert run.events[0].data["workspace"]["path"] == str(run.workspace)
        assert "scripted" in run.tree()
        assert run.unused_answers == {}
        assert [request.attempt for request in run.requests] == [1, 2]

    def test_by_agent_for_all_steps_and_by_function(self, loop_run: LoopRunner) -> None:
        """The step's script goes before the agent's, that before the common one; a function answers each time."""
        spec = loop_spec("a", "b", agents=REAL)
        run = loop_run(spec, answers={"a": ["of the step"]}, agents={"writer": lambda request: request.step})
        assert [run.step(name).output for name in "ab"] == ["of the step", "b"]
        assert [loop_run(spec, answers=["1", "2", "3"]).unused_answers] == [{"*": 1}]

    def test_an_exception_is_an_error_of_the_agent(self, loop_run: LoopRunner) -> None:
        """It is tried again as any other, and told afterwards."""
        run = loop_run(loop_spec("a", agents=REAL), answers=[TimeoutError("too slow"), "done"])
        assert (run.output, run.step("a").attempts) == ("done", 2)
        assert "too slow" in run.step("a").error

    def test_an_agent_is_never_called_unasked(self, loop_run: LoopRunner) -> None:
        """A step without an answer ends the run, which says what to write."""
        run = loop_run(loop_spec("a", agents=REAL))
        run.assert_ended("failed")
        assert "step 'a' asks its agent 'writer' (openai)" in run.detail
        assert "answers={'a': […]}" in run.detail
        assert run.step("a").attempts == 1

    def test_a_script_that_is_used_up_says_so(self, loop_run: LoopRunner) -> None:
        """The run ends, and names the script."""
        run = loop_run(gated(), answers={"write": ["bad"]})
        run.assert_ended("failed")
        assert "the script of step 'write' is used up: it had 1 answer" in run.detail

    def test_agents_that_are_scripts_answer_by_themselves(self, loop_run: LoopRunner) -> None:
        """The provider scripted costs nothing and is let through."""
        own = [{"name": "s", "config": {"provider": "scripted", "extra": {"answers": ["from the loop"]}}}]
        assert loop_run(loop_spec("a", agents=own)).output == "from the loop"

    @pytest.mark.parametrize(
        ("scripts", "said"),
        [
            ({"answers": {"wirte": ["x"]}}, "no such step, the nearest is 'write'"),
            ({"agents": {"wroter": ["x"]}}, "no such agent, the nearest is 'writer'"),
        ],
    )
    def test_scripts_for_nobody_are_refused(
        self, loop_run: LoopRunner, scripts: dict[str, Any], said: str
    ) -> None:
        """A typo would else be a script that is never read."""
        with pytest.raises(UsageError, match=said):
            loop_run(gated(), **scripts)

    def test_items_of_a_for_each(self, loop_run: LoopRunner) -> None:
        """They are answered by the step's function, or each by its own list."""
        step = {"name": "work", "for_each": "context.parts", "prompt_template": "{item}"}
        spec = loop_spec(step, agents=REAL, context={"parts": ["x", "y"]})
        run = loop_run(spec, answers={"work": lambda request: request.prompt.upper()})
        assert [run.step(f"work[{index}]").output for index in (0, 1)] == ["X", "Y"]
        run = loop_run(spec, answers={"work[0]": ["first"], "work": ["other"]})
        assert [run.step(f"work[{index}]").output for index in (0, 1)] == ["first", "other"]

    def test_steps_of_sub_loops_are_answered_by_their_names(
        self, loop_run: LoopRunner, tmp_path: Path
    ) -> None:
        """And the trace of a failure shows the child run."""
        (tmp_path / "child.yaml").write_text(
            dedent(
                """
                name: child
                goal: Be done.
                agents: [{name: inner, config: {provider: openai}}]
                steps: [{name: deep, agent: inner}]
                """
            )
        )
        run = loop_run(
            loop_spec({"name": "sub", "loop": "child.yaml"}, agents=REAL), answers={"deep": ["down"]}
        )
        run.assert_goal_met()
        assert "deep" in run.tree()

    def test_the_answers_of_judges_that_gates_ask(self, loop_run: LoopRunner) -> None:
        """They come from the judge's script alone, and without one the judge gives no verdict."""
        gate = {"name": "nice", "kind": "judge", "judge": {"kind": "quality", "name": "q", "agent": "writer"}}
        spec = loop_spec(
            {"name": "write", "verification_gates": ["nice"]},
            agents=REAL,
            policy={"verification_gates": [gate]},
        )
        low, high = ({"reasoning": "so so", "score": score} for score in (0.2, 0.9))
        run = loop_run(spec, answers={"write": ["one", "two"]}, judges={"q": [low, high]})
        run.assert_goal_met()
        assert run.gate("nice").verdicts == [False, True]
        without = loop_run(spec, answers={"write": ["one"] * 9})
        assert not without.goal_met
        assert "judges={'q': […]}" in without.tree() + without.detail


class TestPlaces:
    """Where a loop is found, and where it runs."""

    def test_the_workspace_is_a_copy_with_files_or_empty(self, loop_run: LoopRunner, tmp_path: Path) -> None:
        """The project is left as it was, and given files are there from the start."""
        (tmp_path / "own.txt").write_text("own")

        def look(request: Any) -> Any:
            found = sorted(path.name for path in request.workspace.iterdir() if not path.name.startswith("."))
            (request.workspace / "own.txt").write_text("changed")
            return found

        run = loop_run(loop_spec("a", agents=REAL), answers=look, files={"more/x.txt": "x"})
        assert run.output == ["more", "own.txt"]
        assert (run.workspace / "own.txt").read_text() == "changed"
        assert (tmp_path / "own.txt").read_text() == "own"
        bare = loop_run(loop_spec("a", agents=REAL), answers=look, files={"x": b"x"}, workspace="empty")
        assert bare.output == ["x"]

    def test_writes_makes_and_deletes_files_and_stays_inside(self, loop_run: LoopRunner) -> None:
        """A path that leads out is an error of the attempt."""
        spec = loop_spec("a", agents=REAL)
        run = loop_run(spec, answers=[writes({"a/b.txt": "b", "old": None}, "ok")], files={"old": "x"})
        assert (run.workspace / "a/b.txt").read_text() == "b"
        assert not (run.workspace / "old").exists()
        out = loop_run(spec, answers=lambda _: writes({"../../escaped": "x"}))
        assert not out.goal_met
        assert "would not lie in the workspace" in out.tree()

    def test_another_kernel(self, loop_run: LoopRunner, tmp_path: Path) -> None:
        """The kernel of the test kit, with plugins of one's own, takes the place of the project's."""
        kernel = make_kernel(tmp_path, config={"defaults": {"provider": "scripted"}})
        run = loop_run(loop_spec("a"), kernel=kernel, answers=["x"])
        assert run.output == "x"


class TestJudges:
    """Verdicts on runs."""

    def test_with_and_without_an_agent(self, loop_run: LoopRunner, tmp_path: Path) -> None:
        """A kind's name, a file and a declaration are judges; a script answers for the agent."""
        run = loop_run(loop_spec("a", agents=REAL), answers=["Paris"])
        assert run.judge("exact", expected="Paris").passed
        assert run.judge("exact", expected="Rome").reasoning == "it is 'Paris', and 'Rome' is expected"
        verdict = run.judge("quality", agent=[{"reasoning": "fine", "score": 0.5}])
        assert (verdict.score, verdict.passed, verdict.reasoning) == (0.5, False, "fine")
        assert run.judge("quality", agent=[{"reasoning": "fine", "score": 0.5}], threshold=0.4).passed
        declared = JudgeSpec(kind="quality", repeat=2, agent=AgentConfig(provider="openai"))
        answers = [{"reasoning": "", "score": score} for score in (0.0, 1.0)]
        assert run.judge(declared, agent=answers).scores == [0.0, 1.0]
        (tmp_path / "j.yaml").write_text("kind: regex\noptions: {pattern: ^P}\n")
        assert run.judge(str(tmp_path / "j.yaml")).passed

    def test_fails_closed_and_calls_nobody_unasked(self, loop_run: LoopRunner) -> None:
        """An answer that is no verdict is an error, and so is a judge that would call a real agent."""
        run = loop_run(loop_spec("a", agents=REAL), answers=["Paris"])
        with pytest.raises(JudgeError, match="there is no JSON in 'very nice'"):
            run.judge("quality", agent=["very nice"])
        with pytest.raises(UsageError, match="has not asked for real ones"):
            run.judge("quality")
        with pytest.raises(UsageError, match="has not asked for real ones"):
            run.judge("quality", agent="openai:gpt-4o")


class TestAsking:
    """What is not there, and what people decide."""

    def test_unknown_names_are_told_with_the_nearest(self, loop_run: LoopRunner) -> None:
        """A typo in a step, gate or reason is no quiet None."""
        run = loop_run(gated(), answers=["good"])
        with pytest.raises(UsageError, match="no step 'wirte', the nearest is 'write'"):
            run.step("wirte")
        with pytest.raises(UsageError, match="no gate 'fne', the nearest is 'fine'"):
            run.gate("fne")
        with pytest.raises(UsageError, match="the nearest is 'exhausted'"):
            run.assert_ended("exausted")

    def test_a_gate_that_was_never_checked_has_not_passed(self, loop_run: LoopRunner) -> None:
        """Its passed is None, and a step that never began is pending."""
        spec = gated()
        spec["steps"].append({"name": "later", "agent": "writer", "dependencies": ["write"]})
        run = loop_run(spec, answers={"write": [ValueError("no")] * 9})
        assert run.gate("fine").passed is None
        assert (run.step("later").status, run.step("later").attempts) == ("pending", 0)

    def test_approving_and_rejecting(self, loop_run: LoopRunner) -> None:
        """A paused run goes on with the same answers, as it was decided."""
        gate = {"name": "ok", "kind": "approval", "on_failure": "abort"}
        spec = loop_spec(
            {"name": "a", "verification_gates": ["ok"]},
            "b",
            agents=REAL,
            policy={"verification_gates": [gate]},
        )
        run = loop_run(spec, answers=["one", "two"])
        run.assert_ended("approval_required")
        assert run.questions[0]["gate"] == "ok"
        done = run.approve("fine by me")
        done.assert_goal_met()
        assert done.output == "two"
        with pytest.raises(UsageError, match="the run asks nobody"):
            done.approve()
        loop_run(spec, answers=["one"]).reject().assert_ended("blocked")

    async def test_in_an_event_loop(self, loop_run: LoopRunner) -> None:
        """The async forms do the same, and the others say that they are there."""
        run = await loop_run.arun(gated(), answers=["good"])
        run.assert_goal_met()
        assert (await run.ajudge("exact", expected="good")).passed
        with pytest.raises(UsageError, match=r"await loop_run.arun"):
            loop_run(gated(), answers=["good"])
        with pytest.raises(UsageError, match=r"await run.ajudge"):
            run.judge("exact", expected="good")


class TestReplay:
    """Recordings in place of answers."""

    def test_a_recorded_run_is_replayed(self, loop_run: LoopRunner, tmp_path: Path) -> None:
        """Its answers and its files come back; a call that differs fails the run."""
        kernel = make_kernel(tmp_path)
        spec = loop_spec("a", agents=REAL, context={"topic": "rain"})
        spec["steps"][0]["prompt_template"] = "{topic}"
        recorder = kernel.get("middleware", "record").into(tmp_path / "tape")
        recorded = _record(kernel, spec, recorder)
        assert recorded == "about rain"
        run = loop_run(spec, replay=tmp_path / "tape", kernel=kernel)
        run.assert_goal_met()
        assert (run.output, run.notes) == ("about rain", ())
        assert (run.workspace / "text.txt").read_text() == "rain"
        other = loop_run(spec, replay=tmp_path / "tape", context={"topic": "snow"}, kernel=kernel)
        other.assert_ended("failed")
        assert "snow" in other.detail

    def test_what_does_not_go_together(self, loop_run: LoopRunner, tmp_path: Path) -> None:
        """A recording stands in place of answers, and must be there."""
        (tmp_path / "tape").mkdir()
        with pytest.raises(UsageError, match="in place of answers"):
            loop_run(loop_spec("a"), replay=tmp_path / "tape", answers=["x"])
        with pytest.raises(UsageError, match="there is no recording"):
            loop_run(loop_spec("a", agents=REAL), replay=tmp_path / "tape")


def _record(kernel: Any, spec: dict[str, Any], recorder: Any) -> Any:
    """Record a run whose agent writes a file, and return its output."""
    import asyncio

    from loopengt.testing.running import load_given
    from loopengt_hookspecs.engines import RunRequest

    async def agent(request: Any, call_next: Any) -> AgentReply:
        (request.workspace / "text.txt").write_text(request.prompt)
        return AgentReply(f"about {request.prompt}", cost_usd=0.0)

    async def run() -> Any:
        request = RunRequest(
            load_given(kernel, spec, frozenset()), workspace="empty", middleware=(recorder, agent)
        )
        async with kernel.storage():
            return (await kernel.engine().start(request)).output

    return asyncio.run(run())
