"""Writes a calibration as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_evals.calibration.asking import Asked
    from loopengt_evals.calibration.figures import Figures
    from loopengt_evals.calibration.labels import Label
    from loopengt_evals.statistics.proportions import Interval

__all__ = ["to_json"]


def to_json(
    judge: str, threshold: float, good_from: float, figures: Figures, asked: Asked, rows: Sequence[Label]
) -> str:
    """Return a JSON object; docs/calibration.md tells its keys."""
    table, found = figures.table, figures.suggested
    record: dict[str, Any] = {
        "judge": judge,
        "threshold": threshold,
        "label_threshold": good_from,
        "labels": figures.labels,
        "people_passed": figures.people_passed,
        "judge_passed": figures.judge_passed,
        "confusion": {
            "pass_pass": table.pass_pass,
            "pass_fail": table.pass_fail,
            "fail_pass": table.fail_pass,
            "fail_fail": table.fail_fail,
        },
        "agreement": _interval(figures.agreement),
        "kappa": _interval(figures.kappa),
        "precision": table.precision,
        "recall": table.recall,
        "specificity": table.specificity,
        "auc": figures.auc,
        "suggested": None
        if found is None
        else {
            "threshold": found.threshold,
            "kappa": found.kappa,
            "kappa_cross_validated": figures.suggested_validated,
        },
        "decides_itself": figures.decides_itself,
        "spearman": _interval(figures.spearman),
        "pearson": figures.pearson,
        "mean_absolute_error": figures.mean_absolute_error,
        "mean_difference": figures.mean_difference,
        "leaning": figures.leaning or None,
        "length_correlation": _interval(figures.length),
        "unsteady": figures.unsteady,
        "errors": asked.errors,
        "kept": asked.kept,
        "tokens": asked.tokens,
        "cost_usd": asked.cost_usd,
        "unknown_costs": asked.unknown_costs,
        "verdicts": [
            {
                "id": row.id,
                "label": row.label,
                "score": asked.verdicts[row.id].score,
                "passed": asked.verdicts[row.id].passed,
                "scores": asked.verdicts[row.id].scores,
                "reasoning": asked.verdicts[row.id].reasoning,
            }
            for row in rows
            if row.id in asked.verdicts
        ],
    }
    return json.dumps(record, indent=2)


def _interval(interval: Interval | None) -> dict[str, float] | None:
    return (
        None if interval is None else {"value": interval.estimate, "low": interval.low, "high": interval.high}
    )
