"""What a judge is asked about, and what its single verdicts come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from loopengt._jsondata import NotJsonError, json_copy
from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_hookspecs.models import Aggregate, JudgeResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["Spent", "Subject", "add_up", "checked"]

_DIGITS = 9
"""Decimal places to which scores are compared."""


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
    """Return a verdict whose score and criteria are numbers from 0 to 1, and whose words are text.

    Raises:
        JudgeError: It is no such verdict.
    """
    if not isinstance(verdict, JudgeVerdict):
        raise JudgeError(
            f"judge {label!r} returned a Python {type(verdict).__name__} in place of a JudgeVerdict"
        )
    if not isinstance(verdict.criteria, dict):
        raise JudgeError(f"judge {label!r} gave criteria that are no mapping, but {verdict.criteria!r}")
    for name, score in {"": verdict.score, **verdict.criteria}.items():
        where = f"criterion {name!r} of judge {label!r}" if name else f"judge {label!r}"
        if isinstance(score, bool) or not isinstance(score, int | float) or not isfinite(score):
            raise JudgeError(f"{where} gave no score, but {score!r}")
        if not 0 <= score <= 1:
            raise JudgeError(f"{where} gave the score {score!r}, which is not between 0 and 1")
    if verdict.passed is not None and not isinstance(verdict.passed, bool):
        raise JudgeError(
            f"judge {label!r} says neither that it passed nor that it did not, but {verdict.passed!r}"
        )
    if not isinstance(verdict.reasoning, str) or not isinstance(verdict.raw_output, str):
        raise JudgeError(f"judge {label!r} gave a reasoning, or an answer, that is no text")
    try:
        details = json_copy(verdict.details)
    except NotJsonError as problem:
        raise JudgeError(f"judge {label!r} gave details that are no JSON data: {problem}") from None
    if not isinstance(details, dict):
        raise JudgeError(f"judge {label!r} gave details that are no mapping")
    return replace(
        verdict,
        reasoning=_sound(verdict.reasoning),
        raw_output=_sound(verdict.raw_output),
        criteria=dict(verdict.criteria),
        details=details,
    )


def _sound(text: str) -> str:
    """Return a text that can be written down: half a surrogate pair cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _reaches(score: float, threshold: float) -> bool:
    """Whether a score is high enough; the mean of 0.7, 0.8 and 0.9 is 0.8, whatever floating point makes of it."""
    return round(score, _DIGITS) >= round(threshold, _DIGITS)


def add_up(
    spec: JudgeSpec, verdicts: Sequence[JudgeVerdict], threshold: float, spent: Spent, seconds: float
) -> JudgeResult:
    """Return what the verdicts of one judge come to, at least one of them.

    The reasoning is that of the verdict whose score is nearest to what they come to.
    """
    scores = [float(verdict.score) for verdict in verdicts]
    passes = [
        _reaches(verdict.score, threshold) if verdict.passed is None else verdict.passed
        for verdict in verdicts
    ]
    if len(verdicts) == 1:
        score, passed = scores[0], passes[0]
    elif spec.aggregate is Aggregate.MAJORITY:
        score = sum(passes) / len(passes)
        passed = score > 0.5
    else:
        score = round(min(1.0, max(0.0, fmean(scores))), _DIGITS)
        passed = _reaches(score, threshold)
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
