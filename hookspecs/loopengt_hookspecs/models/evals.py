"""What an evaluation says of a run: its metrics and the verdicts of judges."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models._base import Declarative, Name
from loopengt_hookspecs.models.enums import RunStatus

__all__ = ["EvalMetrics", "JudgeResult"]


class EvalMetrics(Declarative):
    """The figures of one run."""

    total_turns: int = Field(default=0, ge=0, description="Turns of the run.")
    total_steps: int = Field(default=0, ge=0, description="Steps of the run.")
    completed_steps: int = Field(default=0, ge=0, description="Steps that were completed.")
    failed_steps: int = Field(default=0, ge=0, description="Steps that failed.")
    success_rate: float = Field(
        default=0.0, ge=0, le=1, description="Share of the steps that were completed, 0 to 1."
    )
    total_duration: float = Field(default=0.0, ge=0, description="Seconds from the run's start to its end.")
    run_status: RunStatus = Field(default=RunStatus.PENDING, description="Where the run stands.")


class JudgeResult(Declarative):
    """The verdict of one judge."""

    judge_name: Name = Field(description="Name of the judge.")
    score: float = Field(ge=0, le=1, description="How good it is, 0 to 1.")
    passed: bool = Field(description="Whether it is good enough.")
    reasoning: str = Field(default="", description="Why the judge says so.")
    raw_output: str = Field(default="", description="What the judge answered, word for word.")
