"""The state of runs, steps and agents: what each transition changes, and when it says it happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from loopengt_hookspecs.models import (
    AgentState,
    CheckpointData,
    EndReason,
    LoopState,
    RunStatus,
    StepResult,
    StepState,
    StepStatus,
)

EARLY = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
LATE = EARLY + timedelta(seconds=90)


def test_step_result_defaults_and_freeze() -> None:
    """A result is empty by default, refuses a negative duration, and cannot be changed."""
    result = StepResult()
    assert result.model_dump() == {
        "output": None,
        "error": None,
        "duration_seconds": 0.0,
        "token_usage": {},
        "metadata": {},
    }
    with pytest.raises(ValidationError, match="frozen"):
        setattr(result, "output", 1)  # noqa: B010 - the type checker refuses the plain assignment
    with pytest.raises(ValidationError, match="duration_seconds"):
        StepResult(duration_seconds=-0.1)


def test_step_runs_and_completes() -> None:
    """Running counts an attempt and notes its start; completing notes the result and the end."""
    step = StepState(step_name="mend")
    assert (step.status, step.attempts, step.started_at) == (StepStatus.PENDING, 0, None)
    step.mark_running(at=EARLY)
    assert (step.status, step.attempts, step.started_at) == (StepStatus.RUNNING, 1, EARLY)
    step.mark_completed(StepResult(output="done"), at=LATE)
    assert (step.status, step.result, step.completed_at) == (
        StepStatus.COMPLETED,
        StepResult(output="done"),
        LATE,
    )


def test_step_fails_and_is_tried_again() -> None:
    """A failed step keeps its error while it is retried, and the next attempt clears only the end."""
    step = StepState(step_name="mend")
    step.mark_running(at=EARLY)
    step.mark_failed("boom", at=EARLY)
    assert (step.status, step.result, step.completed_at) == (
        StepStatus.FAILED,
        StepResult(error="boom"),
        EARLY,
    )
    step.mark_retrying()
    assert (step.status, step.completed_at) == (StepStatus.RETRYING, EARLY)
    step.mark_running(at=LATE)
    assert (step.attempts, step.started_at, step.completed_at) == (2, LATE, None)
    assert step.result == StepResult(error="boom")


def test_recorded_attempt_and_result_are_taken_over() -> None:
    """A fold of recorded events gives the attempt's number, the failed result and the time itself."""
    step = StepState(step_name="mend")
    step.mark_running(at=EARLY, attempt=4)
    assert step.attempts == 4
    kept = StepResult(output="half", error="gate", duration_seconds=2)
    step.mark_failed("gate", result=kept, at=EARLY)
    assert step.result is kept
    step.mark_retrying(at=LATE)
    assert step.completed_at == LATE


def test_skipped_step_has_an_end_and_no_attempt() -> None:
    """A skipped step was never begun."""
    step = StepState(step_name="mend")
    step.mark_skipped(at=LATE)
    assert (step.status, step.attempts, step.completed_at) == (StepStatus.SKIPPED, 0, LATE)


def test_agent_counts_calls_tokens_and_errors() -> None:
    """Each call is counted with its tokens, and as an error when it failed."""
    agent = AgentState(agent_name="worker")
    agent.record_invocation(10)
    agent.record_invocation(5, error=True)
    agent.record_invocation()
    assert (agent.invocations, agent.total_tokens, agent.errors) == (3, 15, 1)
    with pytest.raises(ValueError, match="'worker' reported -1 tokens"):
        agent.record_invocation(-1)


def test_run_begins_once() -> None:
    """Only the first mark_running sets the start; going on after a pause keeps it."""
    run = LoopState(loop_name="tidy")
    run.mark_running(at=EARLY)
    run.mark_paused("approval_required")
    assert (run.status, run.reason, run.completed_at) == (RunStatus.PAUSED, "approval_required", None)
    run.mark_running(at=LATE)
    assert (run.status, run.reason, run.started_at) == (RunStatus.RUNNING, None, EARLY)


def test_run_ends() -> None:
    """Each end has its status, its time and its reason; a failure has its error."""
    run = LoopState(loop_name="tidy")
    run.mark_completed(reason=EndReason.GOAL_MET, at=LATE)
    assert (run.status, run.reason, run.completed_at) == (RunStatus.COMPLETED, "goal_met", LATE)
    run.mark_failed("no tests ran", reason=EndReason.BLOCKED, at=LATE)
    assert (run.status, run.reason, run.error) == (RunStatus.FAILED, "blocked", "no tests ran")
    run.mark_cancelled(at=LATE)
    assert (run.status, run.reason) == (RunStatus.CANCELLED, None)


def test_resumed_run_forgets_its_failure() -> None:
    """A run that goes on after a failure has neither an end nor an error."""
    run = LoopState(loop_name="tidy")
    run.mark_failed("boom", at=EARLY)
    run.mark_running(at=LATE)
    assert (run.completed_at, run.error) == (None, None)


def test_history_holds_step_turn_result_and_time() -> None:
    """An entry of the history is made at the present turn, with the time as text in UTC."""
    run = LoopState(loop_name="tidy")
    run.increment_turn()
    run.increment_turn()
    run.add_to_history("mend", StepResult(output=1), at=EARLY)
    assert run.history == [
        {"step": "mend", "turn": 2, "result": StepResult(output=1), "timestamp": "2024-05-01T12:00:00+00:00"}
    ]


def test_state_round_trips_through_json() -> None:
    """A state, with its history, is equal after it was written as JSON and read again."""
    run = LoopState(loop_name="tidy", context={"a": [1]})
    run.mark_running(at=EARLY)
    run.step_states["mend"] = StepState(step_name="mend")
    run.step_states["mend"].mark_running()
    run.agent_states["worker"] = AgentState(agent_name="worker")
    run.add_to_history("mend", StepResult(output={"ok": True}))
    run.mark_paused("interrupted")
    assert LoopState.model_validate_json(run.model_dump_json()) == run
    checkpoint = run.to_checkpoint()
    assert CheckpointData.model_validate_json(checkpoint.model_dump_json()) == checkpoint


def test_checkpoint_shares_nothing_with_the_run() -> None:
    """What the run does after a checkpoint does not change the checkpoint."""
    run = LoopState(loop_name="tidy", context={"seen": []})
    run.step_states["mend"] = StepState(step_name="mend")
    run.agent_states["worker"] = AgentState(agent_name="worker")
    run.add_to_history("mend", StepResult(output={"n": 1}))
    checkpoint = run.to_checkpoint("first", at=EARLY)
    before = checkpoint.model_dump_json()
    run.context["seen"].append("x")
    run.step_states["mend"].mark_running()
    run.agent_states["worker"].record_invocation()
    run.history[0]["result"].output["n"] = 2
    run.add_to_history("mend", StepResult())
    assert checkpoint.model_dump_json() == before
    assert (checkpoint.checkpoint_id, checkpoint.run_id) == ("first", run.run_id)
    assert checkpoint.created_at == EARLY
    assert run.to_checkpoint().checkpoint_id != run.to_checkpoint().checkpoint_id


def test_times_default_to_now_in_utc() -> None:
    """A time that is not given is the present, aware, in UTC."""
    before = datetime.now(UTC)
    run = LoopState(loop_name="tidy")
    step = StepState(step_name="mend")
    step.mark_running()
    run.mark_completed()
    assert run.started_at.tzinfo is UTC
    assert step.started_at is not None
    assert run.completed_at is not None
    assert before <= run.started_at <= step.started_at <= run.completed_at <= datetime.now(UTC)


def test_times_of_other_zones_become_utc() -> None:
    """A moment given in another zone is kept as the same moment in UTC."""
    abroad = EARLY.astimezone(timezone(timedelta(hours=2)))
    step = StepState(step_name="mend", started_at=abroad)
    step.mark_completed(StepResult(), at=abroad)
    assert step.started_at is not None
    assert step.completed_at is not None
    assert step.started_at.isoformat() == step.completed_at.isoformat() == EARLY.isoformat()


def test_naive_times_are_errors() -> None:
    """A time without a zone is refused by the models and by their methods, and nothing is changed."""
    naive = datetime(2024, 5, 1)
    with pytest.raises(ValidationError, match="timezone"):
        LoopState(loop_name="tidy", started_at=naive)
    step = StepState(step_name="mend")
    with pytest.raises(ValueError, match="no time zone"):
        step.mark_running(at=naive)
    assert step == StepState(step_name="mend")


@pytest.mark.parametrize(
    ("reason", "status", "exit_code"),
    [
        ("goal_met", "completed", 0),
        ("nothing_to_do", "completed", 0),
        ("exhausted", "failed", 3),
        ("no_progress", "failed", 3),
        ("blocked", "failed", 3),
        ("stopped", "cancelled", 3),
        ("failed", "failed", 1),
        ("cancelled", "cancelled", 130),
        ("approval_required", "paused", 4),
        ("interrupted", "paused", 130),
    ],
)
def test_end_reasons(reason: str, status: str, exit_code: int) -> None:
    """Each reason has one status and one exit code, and only a reached goal is success."""
    end = EndReason(reason)
    assert (end.status, end.exit_code) == (status, exit_code)


def test_every_end_reason_has_status_and_exit_code() -> None:
    """No reason is left without a status, and exit code 0 means completed."""
    assert all((end.status is RunStatus.COMPLETED) == (end.exit_code == 0) for end in EndReason)
