"""Writes an evaluation, and a comparison, as JSON data; docs/suites.md tells the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_evals.reports.report import case_word

if TYPE_CHECKING:
    from loopengt_evals.reports.report import Report
    from loopengt_evals.statistics.proportions import Interval
    from loopengt_evals.suites.comparing import Change, Comparison
    from loopengt_evals.suites.trials import Trial

__all__ = ["comparison_data", "report_data"]


def report_data(report: Report) -> dict[str, Any]:
    """Return the whole evaluation."""
    result, found = report.result, report.analysis
    header = {key: value for key, value in result.header.items() if key not in ("cases", "format")}
    return {
        **header,
        "stopped": result.stopped or None,
        "trials": len(result.trials),
        "judged": found.judged,
        "passed": found.passed,
        "errors": found.errors,
        "open": found.open,
        "success_rate": _interval(found.success),
        "success_rate_elsewhere": _interval(found.success_elsewhere),
        "pass_at": [each._asdict() for each in found.pass_at],
        "means": {
            name: {
                **(_interval(mean.interval) or {}),
                "total": mean.total,
                "count": mean.number,
                "unit": result.figures[name].unit,
            }
            for name, mean in found.means.items()
        },
        "cost_usd": found.cost_usd,
        "tokens": found.tokens,
        "unknown_costs": found.unknown_costs,
        "missed": [str(missed) for missed in found.missed],
        "cases": [
            {
                "id": case.id,
                "digest": case.digest,
                "state": case_word(case).lower(),
                "passed": case.passed,
                "judged": len(case.judged),
                "trials": [_trial(trial) for trial in case.trials],
            }
            for case in result.cases
        ],
        "comparison": None if report.comparison is None else comparison_data(report.comparison),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "run": trial.run_id or None,
        "passed": trial.passed,
        "reason": trial.reason or None,
        "error": trial.error or None,
        "why": trial.why or None,
        "metrics": trial.metrics,
        "judges": {
            name: {"score": v.score, "passed": v.passed, "reasoning": v.reasoning, "cost_usd": v.cost_usd}
            for name, v in trial.verdicts.items()
        },
    }


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison."""
    return {
        "a": comparison.a.label,
        "b": comparison.b.label,
        "verdict": comparison.verdict,
        "sentence": comparison.sentence,
        "power": comparison.power,
        "detectable_difference": comparison.detectable,
        "level": comparison.level,
        "cases": comparison.cases,
        "trials_a": comparison.trials_a,
        "trials_b": comparison.trials_b,
        "figures": [
            {
                "name": each.name,
                "a": each.a,
                "b": each.b,
                "change": _interval(each.change),
                "p": each.p,
                "p_adjusted": each.adjusted,
                "min_difference": each.min_difference,
                "decides": each.adjusted is not None,
                "verdict": each.verdict if each.adjusted is not None else None,
            }
            for each in comparison.figures
        ],
        "broken": [_change(each) for each in comparison.broken],
        "mended": [_change(each) for each in comparison.mended],
        "notes": comparison.notes,
    }


def _interval(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else interval._asdict()


def _change(change: Change) -> dict[str, Any]:
    return change._asdict()
