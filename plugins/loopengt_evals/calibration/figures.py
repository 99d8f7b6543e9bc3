"""What the verdicts of a judge come to beside the labels of people."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt_evals.statistics.agreement import (
    Table,
    Threshold,
    best_threshold,
    cross_validated,
    kappa_interval,
    sign_test,
)
from loopengt_evals.statistics.correlation import (
    auc,
    mean_absolute_error,
    pearson,
    spearman,
    spearman_interval,
)
from loopengt_evals.statistics.proportions import Interval, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_evals.calibration.labels import Label
    from loopengt_hookspecs.models import JudgeResult

__all__ = ["FEW", "Figures", "compute"]

FEW = 20
"""Labels of the rarer kind below which a threshold is a guess."""

_SURE = 0.05
_LEAST_FOR_LENGTH = 20


@dataclass(slots=True)
class Figures:
    """How a judge compares."""

    labels: int
    """Labels with a verdict."""
    people_passed: int
    judge_passed: int
    table: Table
    agreement: Interval | None = None
    kappa: Interval | None = None
    auc: float | None = None
    suggested: Threshold | None = None
    """None: the judge decides itself and not by its score, or nothing can be told apart."""
    suggested_validated: float | None = None
    """Kappa of a threshold chosen this way, on labels that had no part in choosing it."""
    decides_itself: bool = False
    """Whether some verdicts do not follow from score and threshold."""
    spearman: Interval | None = None
    pearson: float | None = None
    mean_absolute_error: float | None = None
    mean_difference: float | None = None
    """By how much the judge's scores are higher than those of people, on average."""
    leaning: str = ""
    """``lenient`` or ``strict``, when it errs to one side more often than chance would."""
    length: Interval | None = None
    """Rank correlation of an output's length with how much higher the judge scores it than people do, when it is
    unlike 0."""
    unsteady: float | None = None
    """Share of the outputs of which the single verdicts, of a judge that is asked more than once, are not the same."""
    wrong: list[str] = field(default_factory=list)
    """Ids of the labels that the judge sees differently, those of which it is surest first."""


def compute(
    rows: Sequence[Label], verdicts: dict[str, JudgeResult], good_from: float, level: float = 0.95
) -> Figures:
    """Compute the figures.

    Args:
        rows: The labels; those without a verdict play no part.
        verdicts: Verdicts by id of the label.
        good_from: Label from which people count as having passed it.
        level: Of the intervals.
    """
    judged = [(row, verdicts[row.id]) for row in rows if row.id in verdicts]
    pairs = [(row.label >= good_from, verdict.passed) for row, verdict in judged]
    scored = [(good, verdict.score) for (good, _), (_, verdict) in zip(pairs, judged, strict=True)]
    table = Table.of(pairs)
    found = Figures(
        labels=len(judged),
        people_passed=sum(good for good, _ in pairs),
        judge_passed=sum(passed for _, passed in pairs),
        table=table,
    )
    if not judged:
        return found
    found.agreement = wilson(table.pass_pass + table.fail_fail, table.total, level)
    found.kappa = kappa_interval(table, level)
    found.auc = auc(scored)
    found.decides_itself = any(
        verdict.threshold is not None and verdict.passed != (verdict.score >= verdict.threshold)
        for _, verdict in judged
    )
    if not found.decides_itself:
        found.suggested = best_threshold(scored)
        found.suggested_validated = cross_validated(scored)
    _compare_scores(found, judged, level)
    found.leaning = _leaning(table)
    found.unsteady = _unsteady([verdict for _, verdict in judged])
    wrong = [
        (abs(verdict.score - row.label), row.id)
        for (row, verdict), (good, passed) in zip(judged, pairs, strict=True)
        if good != passed
    ]
    found.wrong = [name for _, name in sorted(wrong, key=lambda one: -one[0])]
    return found


def _compare_scores(found: Figures, judged: Sequence[tuple[Label, JudgeResult]], level: float) -> None:
    labels = [row.label for row, _ in judged]
    scores = [verdict.score for _, verdict in judged]
    differences = [score - label for score, label in zip(scores, labels, strict=True)]
    if any(label not in (0.0, 1.0) for label in labels):
        found.spearman = spearman_interval(scores, labels, level)
        found.pearson = pearson(scores, labels)
        found.mean_absolute_error = mean_absolute_error(scores, labels)
        found.mean_difference = sum(differences) / len(differences)
    if len(judged) >= _LEAST_FOR_LENGTH and spearman(scores, labels) is not None:
        lengths = [float(_length(row.output)) for row, _ in judged]
        length = spearman_interval(lengths, differences, level)
        found.length = length if length is not None and length.excludes_zero else None


def _length(output: Any) -> int:
    return len(output if isinstance(output, str) else json.dumps(output, default=str))


def _leaning(table: Table) -> str:
    lenient, strict = int(table.fail_pass), int(table.pass_fail)
    if sign_test(lenient, strict) >= _SURE:
        return ""
    return "lenient" if lenient > strict else "strict"


def _unsteady(verdicts: Sequence[JudgeResult]) -> float | None:
    many = [verdict for verdict in verdicts if len(verdict.scores) > 1]
    if not many:
        return None
    differ = [
        len(
            {
                score >= (verdict.threshold if verdict.threshold is not None else 0.5)
                for score in verdict.scores
            }
        )
        > 1
        for verdict in many
    ]
    return sum(differ) / len(many)
