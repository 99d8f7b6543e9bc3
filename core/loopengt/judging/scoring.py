"""What a judge is asked about, and what its single verdicts come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_hookspecs.models import Aggregate, JudgeResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["Spent", "Subject", "add_up", "checked"]


@dataclass(slots=True)
class Subject:
    """What is judged; the fields are those of ``JudgeRequest``."""

    goal: str
    output: Any
    expected: Any = None
    other: Any = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    workspace: Path | None = None
    scope: Callable[[], Mapping[str, Any]] = dict


@dataclass(slots=True)
class Spent:
    """What the agent of a judge has used."""

    token_usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float | None = 0.0
    """None: nobody knows."""

    def add(self, token_usage: Mapping[str, int], cost_usd: float | None) -> None:
        """Add one answer."""
        for kind, count in token_usage.items():
            self.token_usage[kind] = self.token_usage.get(kind, 0) + count
        if self.cost_usd is not None:
            self.cost_usd = None if cost_usd is None else self.cost_usd + cost_usd


def checked(verdict: Any, label: str) -> JudgeVerdict:
    """Return a verdict whose score and criteria are numbers from 0 to 1.

    Raises:
        JudgeError: It is no such verdict.
    """
    if not isinstance(verdict, JudgeVerdict):
        raise JudgeError(
            f"judge {label!r} returned a Python {type(verdict).__name__} in place of a JudgeVerdict"
        )
    for name, score in {"": verdict.score, **verdict.criteria}.items():
        where = f"criterion {name!r} of judge {label!r}" if name else f"judge {label!r}"
        if isinstance(score, bool) or not isinstance(score, int | float) or not isfinite(score):
            raise JudgeError(f"{where} gave no score, but {score!r}")
        if not 0 <= score <= 1:
            raise JudgeError(f"{where} gave the score {score!r}, which is not between 0 and 1")
    return verdict


def add_up(
    spec: JudgeSpec, verdicts: Sequence[JudgeVerdict], threshold: float, spent: Spent, seconds: float
) -> JudgeResult:
    """Return what the verdicts of one judge come to, at least one of them.

    The reasoning is that of the verdict whose score is nearest to what they come to.
    """
    scores = [float(verdict.score) for verdict in verdicts]
    passes = [
        verdict.score >= threshold if verdict.passed is None else verdict.passed for verdict in verdicts
    ]
    if len(verdicts) == 1:
        score, passed = scores[0], passes[0]
    elif spec.aggregate is Aggregate.MAJORITY:
        score = sum(passes) / len(passes)
        passed = score > 0.5
    else:
        score = min(1.0, max(0.0, fmean(scores)))
        passed = score >= threshold
    agreeing = [verdict for verdict, one in zip(verdicts, passes, strict=True) if one == passed] or verdicts
    nearest = min(agreeing, key=lambda verdict: abs(verdict.score - score))
    names = dict.fromkeys(name for verdict in verdicts for name in verdict.criteria)
    many = len(verdicts) > 1
    return JudgeResult(
        judge_name=spec.label,
        score=score,
        passed=passed,
        reasoning=nearest.reasoning,
        raw_output=nearest.raw_output,
        threshold=threshold,
        scores=scores if many else [],
        spread=stdev(scores) if many else None,
        criteria={
            name: fmean(verdict.criteria[name] for verdict in verdicts if name in verdict.criteria)
            for name in names
        },
        details=dict(nearest.details),
        token_usage=spent.token_usage,
        cost_usd=spent.cost_usd,
        duration_seconds=seconds,
    )
