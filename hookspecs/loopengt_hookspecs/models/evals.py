"""How runs are evaluated: which judges are asked, what they say, and a run's metrics."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from loopengt_hookspecs.models._base import Declarative, Name, OpenDict, Reference
from loopengt_hookspecs.models.enums import RunStatus
from loopengt_hookspecs.models.providers import AgentConfig

__all__ = ["DEFAULT_THRESHOLD", "Aggregate", "EvalMetrics", "JudgeResult", "JudgeSpec", "NamedJudge"]

DEFAULT_THRESHOLD = 0.8
"""Lowest score that passes where nothing else is said."""


class Aggregate(StrEnum):
    """What several verdicts of one judge come to."""

    MEAN = "mean"
    """The mean of the scores; it passes from the threshold."""
    MAJORITY = "majority"
    """Passed when more than half of the verdicts passed; the score is the share that did."""


class JudgeSpec(Declarative):
    """A judge as it is asked for: in a gate of kind judge, in evals.yaml, or on the command line."""

    kind: Reference = Field(description="Name of a registered judge, such as rubric or exact.")
    name: Name | None = Field(default=None, description="What its verdicts are called; null: as its kind.")
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Lowest score that passes, 0 to 1; null: 0.8, or what a gate of kind judge says.",
    )
    agent: AgentConfig | str | None = Field(
        default=None,
        description="Who is asked by a judge that asks an agent: a provider with its model, or the name of an agent "
        "of the loop; null: what config.toml says under [judges], else the provider auto.",
    )
    repeat: int = Field(default=1, ge=1, le=99, description="How often the judge is asked.")
    aggregate: Aggregate = Field(
        default=Aggregate.MEAN, description="What its verdicts come to when it is asked more than once."
    )
    timeout_seconds: float = Field(
        default=300.0, gt=0, description="Seconds that one verdict may take; a judge that takes longer fails."
    )
    options: OpenDict = Field(default_factory=dict, description="Options of that kind of judge.")

    @property
    def label(self) -> str:
        """What its verdicts are called."""
        return self.name or self.kind


def _named(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


NamedJudge = Annotated[JudgeSpec, BeforeValidator(_named)]
"""A ``JudgeSpec``, for which the name of its kind alone may stand."""


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
    threshold: float | None = Field(default=None, ge=0, le=1, description="Lowest score that passes.")
    scores: list[float] = Field(
        default_factory=list, description="The single scores, of a judge that was asked more than once."
    )
    spread: float | None = Field(
        default=None, ge=0, description="Standard deviation of the single scores; null: there is one."
    )
    criteria: dict[str, float] = Field(
        default_factory=dict, description="Scores by criterion, 0 to 1, of a judge that has some."
    )
    details: OpenDict = Field(default_factory=dict, description="Anything else that shows why.")
    token_usage: dict[str, int] = Field(default_factory=dict, description="Tokens by kind that it has used.")
    cost_usd: float | None = Field(default=None, ge=0, description="US dollars; null: nobody knows.")
    duration_seconds: float = Field(default=0.0, ge=0, description="Seconds that it took.")
