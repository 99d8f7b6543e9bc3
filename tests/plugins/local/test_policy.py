"""What a spec declares about attempts, time, money and effects is what the engine does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop, run_loop_sync
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.engines import RunResult
from loopengt_hookspecs.errors import AgentError, MissingRequirement

GOOD = {"name": "good", "condition": "output == 'good'"}


def run(tmp_path: Path, agent: ScriptedAgent, spec: dict[str, Any]) -> RunResult:
    """Run a spec with a scripted agent."""
    return run_loop_sync(make_kernel(tmp_path, agents=agent), spec)


def gated(**policy: Any) -> dict[str, Any]:
    """A loop of one gated step."""
    step = {"name": "work", "verification_gates": ["good"], "prompt_template": "[{feedback}]"}
    return loop_spec(
        step, policy={"verification_gates": [GOOD], "retry": {"initial_delay_seconds": 0}, **policy}
    )


class TestAttempts:
    """Retries after errors and after gates."""

    def test_a_failed_gate_is_answered_by_another_attempt_that_knows_why(self, tmp_path: Path) -> None:
        """The gate's text is the next attempt's feedback; the first has none."""
        agent = ScriptedAgent("bad", "good")
        assert run(tmp_path, agent, gated()).end.reason == "goal_met"
        assert agent.requests[0].prompt == "[]"
        assert agent.requests[1].prompt.startswith("[[good] ")
        assert [request.attempt for request in agent.requests] == [1, 2]

    def test_attempts_are_bounded(self, tmp_path: Path) -> None:
        """After max_retries further attempts the gate blocks the run."""
        agent = ScriptedAgent(*["bad"] * 9)
        result = run(tmp_path, agent, gated(retry={"max_retries": 2, "initial_delay_seconds": 0}))
        assert result.end.reason == "blocked"
        assert len(agent.requests) == 3

    def test_allow_retry_false_means_one_attempt(self, tmp_path: Path) -> None:
        """A step that allows no retry is not tried again, whatever failed."""
        spec = gated()
        spec["steps"][0]["allow_retry"] = False
        agent = ScriptedAgent("bad", "good")
        assert run(tmp_path, agent, spec).end.reason == "blocked"
        assert len(agent.requests) == 1

    @pytest.mark.parametrize(
        "error", [TimeoutError("slow"), ConnectionResetError("gone"), AgentError("x", kind="TimeoutError")]
    )
    def test_declared_errors_are_retried(self, tmp_path: Path, error: Exception) -> None:
        """Errors are matched by class name, base classes and the kind that an agent gives included."""
        agent = ScriptedAgent(error, "done")
        spec = loop_spec()
        assert run(tmp_path, agent, spec).end.reason == "goal_met"
        assert agent.requests[1].feedback

    def test_other_errors_are_not(self, tmp_path: Path) -> None:
        """An error that retryable_errors does not name fails the step at once."""
        agent = ScriptedAgent(ValueError("wrong"), "done")
        result = run(tmp_path, agent, loop_spec())
        assert result.end.reason == "failed"
        assert "ValueError: wrong" in result.end.detail
        assert len(agent.requests) == 1

    def test_an_agents_own_retries_go_before_the_policys(self, tmp_path: Path) -> None:
        """An agent that declares retry has its own number of attempts."""
        role = {
            "name": "worker",
            "config": {"provider": "scripted"},
            "retry": {"max_retries": 1, "backoff_seconds": 0},
        }
        agent = ScriptedAgent(*[TimeoutError("slow")] * 9)
        result = run(tmp_path, agent, loop_spec(agents=[role]))
        assert result.end.reason == "failed"
        assert len(agent.requests) == 2

    def test_keys_differ_by_attempt_only(self, tmp_path: Path) -> None:
        """Each attempt has an idempotency key of its own."""
        agent = ScriptedAgent("bad", "good")
        run(tmp_path, agent, gated())
        assert len({request.idempotency_key for request in agent.requests}) == 2


class TestTime:
    """Timeouts of steps and of the run."""

    def test_a_step_that_takes_too_long_is_cancelled_and_retried(self, tmp_path: Path) -> None:
        """The attempt ends as a TimeoutError, which the default policy retries."""

        async def hang(_: object) -> str:
            await asyncio.Event().wait()
            return ""

        agent = ScriptedAgent(hang, "done")
        result = run(tmp_path, agent, loop_spec({"name": "work", "timeout_seconds": 0.1}))
        assert result.end.reason == "goal_met"
        assert "0.1 seconds" in agent.requests[1].feedback

    def test_the_time_of_the_run_is_bounded(self, tmp_path: Path) -> None:
        """max_total_time_seconds ends a run in the midst of a step."""

        async def hang(_: object) -> str:
            await asyncio.Event().wait()
            return ""

        result = run(tmp_path, ScriptedAgent(hang), loop_spec(policy={"max_total_time_seconds": 0.2}))
        assert result.end.reason == "exhausted"
        assert result.snapshot().step_states["work"].status == "failed"


class TestBudget:
    """Tokens and money."""

    def reply(self, **cost: Any) -> ScriptedAgent:
        """An agent that spends."""
        return ScriptedAgent(
            steps={"work": lambda _: AgentReply("x", {"prompt_tokens": 40, "completion_tokens": 10}, **cost)}
        )

    def test_tokens(self, tmp_path: Path) -> None:
        """No turn is taken once the tokens are used up."""
        agent = self.reply()
        result = run(tmp_path, agent, loop_spec(pattern="repeat", policy={"budget": {"max_tokens": 150}}))
        assert result.end.reason == "exhausted"
        assert "max_tokens" in result.end.detail
        assert (len(agent.requests), result.tokens) == (3, 150)

    def test_money(self, tmp_path: Path) -> None:
        """No turn is taken once the money is spent."""
        agent = self.reply(cost_usd=0.4, cost_source="reported")
        result = run(tmp_path, agent, loop_spec(pattern="repeat", policy={"budget": {"max_cost_usd": 1}}))
        assert result.end.reason == "exhausted"
        assert len(agent.requests) == 3
        assert result.cost_usd == pytest.approx(1.2)


class TestSchemas:
    """output_schema of agents and of the loop."""

    SCHEMA: dict[str, Any] = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}

    def test_an_agents_output_must_fit(self, tmp_path: Path) -> None:
        """What does not fit is told to the next attempt, with the place of the violation."""
        role = {"name": "worker", "config": {"provider": "scripted"}, "output_schema": self.SCHEMA}
        agent = ScriptedAgent({"n": "one"}, {"n": 1})
        assert run(tmp_path, agent, loop_spec(agents=[role])).end.reason == "goal_met"
        assert "n" in agent.requests[1].feedback
        assert "integer" in agent.requests[1].feedback

    def test_the_loops_output_must_fit(self, tmp_path: Path) -> None:
        """A final output without a required field blocks the run."""
        spec = loop_spec(output_schema={"required_fields": ["summary"]})
        result = run(tmp_path, ScriptedAgent({"other": 1}), spec)
        assert result.end.reason == "blocked"
        assert "summary" in result.end.detail
        assert run(tmp_path, ScriptedAgent({"summary": "s"}), spec).end.reason == "goal_met"


class TestHonesty:
    """What cannot be done is said."""

    async def test_what_is_missing_fails_the_run_and_resume_goes_on_once_it_is_there(
        self, tmp_path: Path
    ) -> None:
        """A missing program is not retried; after it was installed, resume takes the same step up again."""
        missing = MissingRequirement("program 'frobnicate' is not on PATH", remedy="pip install frobnicate")
        agent = ScriptedAgent(steps={"first": ["1"], "second": [missing, "2"]})
        kernel = make_kernel(tmp_path, agents=agent)
        async with kernel.storage():
            failed = await run_loop(kernel, loop_spec("first", "second"))
            assert failed.end.reason == "failed"
            assert "pip install frobnicate" in failed.end.detail
            done = await resume_loop(kernel, failed.run_id)
        assert done.end.reason == "goal_met"
        assert [request.step for request in agent.requests] == ["first", "second", "second"]

    async def test_a_run_that_has_ended_is_returned_as_it_ended(self, tmp_path: Path) -> None:
        """resume of a finished run executes nothing."""
        agent = ScriptedAgent("1")
        kernel = make_kernel(tmp_path, agents=agent)
        async with kernel.storage():
            first = await run_loop(kernel, loop_spec())
            again = await resume_loop(kernel, first.run_id)
        assert again.end == first.end
        assert len(agent.requests) == 1


class TestEffects:
    """Steps that must not be executed twice."""

    @pytest.mark.parametrize(
        ("assumed", "reason", "calls"),
        [("done", "goal_met", 1), ("retry", "goal_met", 2), ("fail", "failed", 1)],
    )
    async def test_an_unknown_outcome_is_asked_and_then_settled(
        self, tmp_path: Path, assumed: Any, reason: str, calls: int
    ) -> None:
        """A once-step that was cut off pauses the run; a person says what to assume."""
        reached = asyncio.Event()

        async def cut_off(_: object) -> str:
            reached.set()
            await asyncio.Event().wait()
            return ""

        agent = ScriptedAgent(cut_off, "second time")
        kernel = make_kernel(tmp_path, agents=agent)
        async with kernel.storage():
            running = asyncio.create_task(run_loop(kernel, loop_spec({"name": "pay", "effects": "once"})))
            await reached.wait()
            kernel.engine().interrupt()
            paused = await running
            assert paused.end.reason == "interrupted"
            asked = await resume_loop(kernel, paused.run_id)
            assert asked.end.reason == "approval_required"
            assert asked.end.reason.exit_code == 4
            assert len(agent.requests) == 1
            settled = await resume_loop(kernel, paused.run_id, unknown_outcome=assumed)
        assert settled.end.reason == reason
        assert len(agent.requests) == calls
        assert len({request.idempotency_key for request in agent.requests}) == 1

    def test_a_step_with_effects_is_not_tried_again_after_an_error(self, tmp_path: Path) -> None:
        """A timeout says nothing of what was done, so a once-step fails instead of being retried."""
        agent = ScriptedAgent(TimeoutError("slow"), "again")
        result = run(tmp_path, agent, loop_spec({"name": "pay", "effects": "once"}))
        assert result.end.reason == "failed"
        assert "once only" in result.end.detail
        assert len(agent.requests) == 1
