"""The figures of an evaluation: success rate, pass@k, means with their intervals, and whether limits are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from loopengt_evals.statistics.means import mean_interval
from loopengt_evals.statistics.passing import pass_at, pass_hat
from loopengt_evals.statistics.proportions import Interval, clustered, wilson
from loopengt_evals.suites.planning import SUCCESS
from loopengt_evals.suites.results import value_of

if TYPE_CHECKING:
    from loopengt_evals.suites.model import Limit
    from loopengt_evals.suites.results import EvaluationResult

__all__ = ["Analysis", "Mean", "Missed", "PassAt", "analyse"]

_SHOWN_K = (1, 2, 3, 5, 10, 20, 50, 100)


class PassAt(NamedTuple):
    """How often one of k trials succeeds, and how often all of them do, as means over the cases."""

    k: int
    at_least_one: float
    all: float


class Mean(NamedTuple):
    """The mean of a figure over the trials."""

    interval: Interval
    total: float
    number: int


class Missed(NamedTuple):
    """A limit that is not kept."""

    figure: str
    value: float | None
    """None: there is no value at all."""
    limit: Limit

    def __str__(self) -> str:
        low = "" if self.limit.min is None else f"at least {self.limit.min:g}"
        high = "" if self.limit.max is None else f"at most {self.limit.max:g}"
        wanted = " and ".join(filter(None, (low, high)))
        value = "has no value" if self.value is None else f"is {self.value:.4g}"
        return f"{self.figure} {value}, and {wanted} is asked for"


@dataclass(slots=True)
class Analysis:
    """The figures of an evaluation."""

    judged: int = 0
    """Trials of which it is known whether they are a success."""
    passed: int = 0
    errors: int = 0
    """Trials that have no verdict, because something failed."""
    open: int = 0
    """Trials that were not run, or are not over."""
    success: Interval | None = None
    """Share of successes among the trials, for these cases."""
    success_elsewhere: Interval | None = None
    """The same with an interval for other cases like these; None: there are too few."""
    pass_at: list[PassAt] = field(default_factory=list)
    means: dict[str, Mean] = field(default_factory=dict)
    cost_usd: float = 0.0
    """What is known of the cost, that of judges included."""
    tokens: int = 0
    unknown_costs: int = 0
    missed: list[Missed] = field(default_factory=list)


def analyse(result: EvaluationResult) -> Analysis:
    """Compute the figures of an evaluation."""
    trials, level = result.trials, result.level
    found = Analysis(
        judged=sum(trial.passed is not None for trial in trials),
        passed=sum(trial.passed is True for trial in trials),
        errors=sum(bool(trial.error) for trial in trials),
        cost_usd=fsum(trial.cost_usd for trial in trials),
        tokens=sum(trial.tokens for trial in trials),
        unknown_costs=sum(
            trial.unknown_costs + sum(v.cost_usd is None for v in trial.verdicts.values()) for trial in trials
        ),
    )
    found.open = len(trials) - found.judged - found.errors
    counts = [(case.passed, len(case.judged)) for case in result.cases if case.judged]
    if counts:
        found.success = wilson(found.passed, found.judged, level)
        found.success_elsewhere = clustered(counts, level)
        found.pass_at = _pass_at(counts)
    for name in result.figures:
        cases = [
            values
            for case in result.cases
            for values in [[v for trial in case.judged for v in [value_of(trial, name)] if v is not None]]
            if values
        ]
        if cases:
            total = fsum(value for values in cases for value in values)
            found.means[name] = Mean(mean_interval(cases, level), total, sum(map(len, cases)))
    found.missed = list(_missed(result, found))
    return found


def _pass_at(counts: list[tuple[int, int]]) -> list[PassAt]:
    most = min(trials for _, trials in counts)
    shown = sorted({k for k in (*_SHOWN_K, most) if k <= most})
    return [
        PassAt(
            k,
            fsum(pass_at(trials, passed, k) for passed, trials in counts) / len(counts),
            fsum(pass_hat(trials, passed, k) for passed, trials in counts) / len(counts),
        )
        for k in shown
    ]


def _missed(result: EvaluationResult, found: Analysis) -> list[Missed]:
    missed = []
    for name, limit in result.thresholds.items():
        if limit.min is None and limit.max is None:
            continue
        if name == SUCCESS:
            value = None if found.success is None else found.success.estimate
        else:
            value = found.means[name].interval.estimate if name in found.means else None
        low = value is None or (limit.min is not None and value < limit.min)
        if low or (limit.max is not None and value is not None and value > limit.max):
            missed.append(Missed(name, value, limit))
    return missed
