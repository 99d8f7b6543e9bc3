"""What every report is made of, and how its figures are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopengt.display import duration

if TYPE_CHECKING:
    from loopengt_evals.statistics.proportions import Interval
    from loopengt_evals.suites.analysis import Analysis
    from loopengt_evals.suites.comparing import Compared, Comparison
    from loopengt_evals.suites.results import CaseResult, EvaluationResult

__all__ = ["Report", "case_word", "change_text", "level_text", "percent", "range_text", "value_text"]


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation with its figures, and what it was held against."""

    result: EvaluationResult
    analysis: Analysis
    comparison: Comparison | None = None


def percent(share: float) -> str:
    """Write a share, such as ``82 %``; only a whole one is written as 100 %."""
    if 0.995 <= share < 1 or 0 < share < 0.005:
        return f"{share * 100:.1f} %"
    return f"{share * 100:.0f} %"


def value_text(value: float, unit: str) -> str:
    """Write a value in its unit."""
    if unit == "usd":
        return f"${value:.4f}"
    if unit == "seconds":
        return f"{value * 1000:.1f} ms" if 0 < abs(value) < 0.1 else duration(value, fine=True)
    if unit == "share":
        return percent(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def range_text(interval: Interval, unit: str) -> str:
    """Write the bounds of an interval."""
    return f"{value_text(interval.low, unit)} to {value_text(interval.high, unit)}"


def change_text(each: Compared) -> str:
    """Write by how much b is higher than a, with the interval."""
    low, middle, high = each.change.low, each.change.estimate, each.change.high
    if each.figure.unit == "share":
        return f"{middle * 100:+.1f} points ({low * 100:+.1f} to {high * 100:+.1f})"
    if each.figure.unit == "seconds":
        scale, unit = (1000, " ms") if max(abs(low), abs(high)) < 0.1 else (1, "s")
        return f"{middle * scale:+.3g}{unit} ({low * scale:+.3g} to {high * scale:+.3g})"
    if each.figure.unit == "usd":
        return f"{_dollars(middle)} ({_dollars(low)} to {_dollars(high)})"
    return f"{middle:+.4g} ({low:+.4g} to {high:+.4g})"


def _dollars(value: float) -> str:
    return f"{'-' if value < 0 else '+'}${abs(value):.4f}"


def level_text(level: float) -> str:
    """Write a confidence level; 99.5 % is not written as 100 %."""
    return f"{level * 100:.6g}%"


def case_word(case: CaseResult) -> str:
    """Say in a word how a case stands: passed, FAILED, flaky, no verdict, not over, or not run."""
    judged = case.judged
    if any(trial.error for trial in case.trials):
        return "no verdict"
    if not judged:
        return "not run"
    if case.passed == len(judged):
        return "passed" if len(judged) == len(case.trials) else "not over"
    return "flaky" if case.passed else "FAILED"
