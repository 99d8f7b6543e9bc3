"""The state of a run, its steps and its agents, as folded from the run's journal."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import uuid4

from pydantic import AfterValidator, Field

from loopengt_hookspecs.models._base import Declarative, Model, OpenDict, UtcDatetime, as_utc, utc_now
from loopengt_hookspecs.models.enums import RunStatus, StepStatus

__all__ = ["AgentState", "CheckpointData", "LoopState", "StepResult", "StepState"]


def _moment(at: datetime | None) -> datetime:
    return utc_now() if at is None else as_utc(at)


def _new_id() -> str:
    return uuid4().hex


class StepResult(Declarative):
    """What one execution of a step brought."""

    output: Any = Field(default=None, description="The step's output: text or JSON data.")
    error: str | None = Field(default=None, description="What went wrong; null: nothing.")
    duration_seconds: float = Field(default=0.0, ge=0, description="Seconds that the execution took.")
    token_usage: dict[str, int] = Field(default_factory=dict, description="Tokens by kind, such as prompt.")
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else that is known of the execution."
    )


def _revive_result(entry: dict[str, Any]) -> dict[str, Any]:
    # From JSON a result arrives as a plain dict; in memory it is a StepResult, before and after a round trip.
    result = entry.get("result")
    return {**entry, "result": StepResult.model_validate(result)} if isinstance(result, dict) else entry


HistoryEntry: TypeAlias = Annotated[dict[str, Any], AfterValidator(_revive_result)]
"""``{step: str, turn: int, result: StepResult, timestamp: ISO 8601 text in UTC}``."""


class StepState(Model):
    """Where one step of a run stands. Every method takes the time as ``at`` (aware; default: now)."""

    step_name: str = Field(description="Name of the step.")
    status: StepStatus = Field(default=StepStatus.PENDING, description="Where the step stands.")
    attempts: int = Field(default=0, ge=0, description="Attempts begun so far.")
    result: StepResult | None = Field(default=None, description="The last result; null: none yet.")
    started_at: UtcDatetime | None = Field(default=None, description="When the last attempt began.")
    completed_at: UtcDatetime | None = Field(default=None, description="When the last attempt ended.")

    def mark_running(self, *, at: datetime | None = None, attempt: int | None = None) -> None:
        """An attempt begins: count it, note its start and clear ``completed_at``.

        Args:
            at: When it began.
            attempt: Its number, counted from 1; None: one more than before.
        """
        self.started_at = _moment(at)
        self.completed_at = None
        self.attempts = self.attempts + 1 if attempt is None else attempt
        self.status = StepStatus.RUNNING

    def mark_completed(self, result: StepResult, *, at: datetime | None = None) -> None:
        """The step ended well, with this result."""
        self.completed_at = _moment(at)
        self.result = result
        self.status = StepStatus.COMPLETED

    def mark_failed(
        self, error: str, *, result: StepResult | None = None, at: datetime | None = None
    ) -> None:
        """The attempt failed.

        Args:
            error: What went wrong.
            result: What the attempt brought all the same; None: a result that holds only the error.
            at: When it failed.
        """
        self.completed_at = _moment(at)
        self.result = StepResult(error=error) if result is None else result
        self.status = StepStatus.FAILED

    def mark_retrying(self, *, at: datetime | None = None) -> None:
        """Another attempt follows; ``at``: when the failed one ended (None: as ``mark_failed`` noted)."""
        if at is not None:
            self.completed_at = as_utc(at)
        self.status = StepStatus.RETRYING

    def mark_skipped(self, *, at: datetime | None = None) -> None:
        """The step is not executed, because a condition on its dependencies does not hold."""
        self.completed_at = _moment(at)
        self.status = StepStatus.SKIPPED


class AgentState(Model):
    """What one agent has done in a run."""

    agent_name: str = Field(description="Name of the agent.")
    invocations: int = Field(default=0, ge=0, description="Calls of the agent.")
    total_tokens: int = Field(default=0, ge=0, description="Tokens of all calls.")
    errors: int = Field(default=0, ge=0, description="Calls that failed.")
    last_output: Any = Field(default=None, description="Output of the last call.")
    context: OpenDict = Field(default_factory=dict, description="What the agent keeps between calls.")

    def record_invocation(self, tokens: int = 0, *, error: bool = False) -> None:
        """Count one call, its tokens, and whether it failed.

        Raises:
            ValueError: The number of tokens is negative.
        """
        if tokens < 0:
            raise ValueError(f"agent {self.agent_name!r} reported {tokens} tokens: give 0 or more")
        self.invocations += 1
        self.total_tokens += tokens
        if error:
            self.errors += 1


class CheckpointData(Declarative):
    """A copy of a run's state at one moment, which shares nothing with the run."""

    checkpoint_id: str = Field(default_factory=_new_id, description="Id of the checkpoint.")
    run_id: str = Field(description="Id of the run.")
    created_at: UtcDatetime = Field(default_factory=utc_now, description="When the copy was made.")
    current_step_index: int = Field(ge=0, description="Position in the steps, from 0.")
    step_states: list[StepState] = Field(default_factory=list, description="State of every step begun.")
    agent_states: list[AgentState] = Field(default_factory=list, description="State of every agent called.")
    context: OpenDict = Field(default_factory=dict, description="The run's context.")
    history: list[HistoryEntry] = Field(
        default_factory=list, description="Executions in order, as in LoopState."
    )


class LoopState(Model):
    """Where a run stands. Methods that note a time take it as ``at`` (aware; default: now)."""

    run_id: str = Field(default_factory=_new_id, description="Id of the run.")
    loop_name: str = Field(description="Name of the loop.")
    status: RunStatus = Field(default=RunStatus.PENDING, description="Where the run stands.")
    reason: str | None = Field(
        default=None, description="Why the run rests, such as goal_met; null: it does not."
    )
    current_step_index: int = Field(default=0, ge=0, description="Position in the steps, from 0.")
    turn: int = Field(default=0, ge=0, description="Turns begun so far.")
    step_states: dict[str, StepState] = Field(
        default_factory=dict, description="State of each step, by name."
    )
    agent_states: dict[str, AgentState] = Field(
        default_factory=dict, description="State of each agent, by name."
    )
    context: OpenDict = Field(
        default_factory=dict, description="Values that prompts and expressions can use."
    )
    history: list[HistoryEntry] = Field(
        default_factory=list, description="Executions in order: {step, turn, result, timestamp}."
    )
    started_at: UtcDatetime = Field(default_factory=utc_now, description="When the run began.")
    completed_at: UtcDatetime | None = Field(
        default=None, description="When the run ended; null: it has not."
    )
    error: str | None = Field(default=None, description="What went wrong; null: nothing.")
    checkpoints: list[str] = Field(
        default_factory=list, description="Ids of the run's checkpoints, oldest first."
    )

    def mark_running(self, *, at: datetime | None = None) -> None:
        """The run begins or goes on; ``at`` becomes its start only if it was pending."""
        if self.status is RunStatus.PENDING:
            self.started_at = _moment(at)
        self.status = RunStatus.RUNNING
        self.completed_at = None
        self.reason = None
        self.error = None

    def mark_paused(self, reason: str | None = None) -> None:
        """The run rests and can be resumed."""
        self.status = RunStatus.PAUSED
        self.reason = reason

    def mark_completed(self, *, reason: str | None = None, at: datetime | None = None) -> None:
        """The run ended well."""
        self._end(RunStatus.COMPLETED, reason, at)

    def mark_failed(self, error: str, *, reason: str | None = None, at: datetime | None = None) -> None:
        """The run did not reach its goal; ``error`` says what went wrong."""
        self._end(RunStatus.FAILED, reason, at)
        self.error = error

    def mark_cancelled(self, *, reason: str | None = None, at: datetime | None = None) -> None:
        """The run was broken off."""
        self._end(RunStatus.CANCELLED, reason, at)

    def _end(self, status: RunStatus, reason: str | None, at: datetime | None) -> None:
        self.completed_at = _moment(at)
        self.status = status
        self.reason = reason

    def increment_turn(self) -> None:
        """Count one more turn."""
        self.turn += 1

    def add_to_history(self, step_name: str, result: StepResult, *, at: datetime | None = None) -> None:
        """Append ``{step, turn, result, timestamp}``, with the present turn and the time as ISO 8601 text."""
        self.history.append(
            {"step": step_name, "turn": self.turn, "result": result, "timestamp": _moment(at).isoformat()}
        )

    def to_checkpoint(
        self, checkpoint_id: str | None = None, *, at: datetime | None = None
    ) -> CheckpointData:
        """A copy of the state at this moment; later changes of the run do not reach it.

        Args:
            checkpoint_id: Id of the checkpoint; None: a new one.
            at: When it is made.
        """
        return CheckpointData(
            checkpoint_id=_new_id() if checkpoint_id is None else checkpoint_id,
            run_id=self.run_id,
            created_at=_moment(at),
            current_step_index=self.current_step_index,
            step_states=deepcopy(list(self.step_states.values())),
            agent_states=deepcopy(list(self.agent_states.values())),
            context=deepcopy(self.context),
            history=deepcopy(self.history),
        )
