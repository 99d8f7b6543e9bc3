"""Intervals and tests for means of figures such as cost or duration, by drawing again from what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, fsum, sqrt
from random import Random
from statistics import NormalDist, fmean
from typing import NamedTuple

from loopengt_evals.statistics.proportions import MANY_CASES, Interval, quantile, student

__all__ = ["CaseValues", "mean_difference", "mean_interval", "permutation_test"]

SEED = 20_260_101
"""Seed of the draws: the same figures give the same intervals."""

_DRAWS = 2_000
_LEAST_DRAWS = 400
_WORK = 1_000_000
"""Values that are drawn at most; of more values the normal approximation is as good."""


class CaseValues(NamedTuple):
    """The values of one case in two evaluations; neither is empty."""

    a: Sequence[float]
    b: Sequence[float]


def mean_interval(cases: Sequence[Sequence[float]], level: float = 0.95) -> Interval:
    """Return the mean of all values with a bootstrap interval: percentiles, farther out where there is little to draw.

    With ten or more cases, or hardly more than one trial of each, whole cases are drawn again; else the values within
    each case.

    Args:
        cases: The values of each case; none is empty.
        level: Confidence level.
    """
    values = [value for case in cases for value in case]
    mean = _mean(values)
    if min(values) == max(values):
        return Interval(mean, mean, mean)
    number = _draws(len(values))
    if _are_drawn(len(cases), len(values)):
        totals = [(fsum(case), len(case)) for case in cases]
        if not number:
            spread = fsum((total - count * mean) ** 2 for total, count in totals)
            return _normal(mean, sqrt(spread) / len(values), _expanded(level, len(cases), len(cases) - 1))
        random = Random(SEED)  # noqa: S311  # statistics, no secret
        means = []
        for _ in range(number):
            drawn = random.choices(totals, k=len(totals))
            means.append(fsum(total for total, _ in drawn) / sum(count for _, count in drawn))
        return _percentiles(mean, means, _expanded(level, len(cases), len(cases) - 1))
    if not number:
        variance = fsum(_spread(case) for case in cases) / len(values) ** 2
        return _normal(mean, sqrt(variance), level)
    random = Random(SEED)  # noqa: S311
    means = [
        fsum(fsum(random.choices(case, k=len(case))) for case in cases) / len(values) for _ in range(number)
    ]
    each, freedom = len(values) / len(cases), len(values) - len(cases)
    return _percentiles(mean, means, _expanded(level, each, freedom))


def mean_difference(cases: Sequence[CaseValues], level: float = 0.95) -> Interval:
    """Return by how much the mean of b is larger than that of a, as a mean over the cases that both have.

    Args:
        cases: The values of both for each case.
        level: Confidence level.
    """
    differences = [_mean(case.b) - _mean(case.a) for case in cases]
    mean = _mean(differences)
    size = sum(len(case.a) + len(case.b) for case in cases)
    if _are_drawn(len(cases), size / 2):
        number = _draws(len(cases))
        if not number:
            return _normal(mean, sqrt(_spread(differences) / len(cases)) / sqrt(len(cases)), level)
        random = Random(SEED)  # noqa: S311
        means = [_mean(random.choices(differences, k=len(differences))) for _ in range(number)]
        return _percentiles(mean, means, _expanded(level, len(cases), len(cases) - 1))
    number = _draws(size)
    if not number:
        variance = fsum(
            _spread(case.a) / len(case.a) ** 2 + _spread(case.b) / len(case.b) ** 2 for case in cases
        )
        return _normal(mean, sqrt(variance) / len(cases), level)
    random = Random(SEED)  # noqa: S311
    means = [
        _mean(
            [
                _mean(random.choices(case.b, k=len(case.b))) - _mean(random.choices(case.a, k=len(case.a)))
                for case in cases
            ]
        )
        for _ in range(number)
    ]
    each, freedom = size / len(cases) / 2, size - 2 * len(cases)
    return _percentiles(mean, means, _expanded(level, each, freedom))


def permutation_test(cases: Sequence[CaseValues]) -> float:
    """Return the two-sided p value of the hypothesis that on each of these cases both give the same values.

    Under it, which of a case's values are whose is chance: they are dealt out again and again. With one trial of each
    case that is the paired test by changed signs.

    Args:
        cases: The values of both for each case.
    """
    telling = [case for case in cases if min(*case.a, *case.b) < max(*case.a, *case.b)]
    if not telling:
        return 1.0
    observed = abs(fsum(_mean(case.b) - _mean(case.a) for case in telling))
    number = _draws(sum(len(case.a) + len(case.b) for case in telling))
    if not number:
        variance = 0.0
        for case in telling:
            values = [*case.a, *case.b]
            variance += _spread(values) / (len(values) - 1) * (1 / len(case.a) + 1 / len(case.b))
        return erfc(observed / sqrt(variance) / sqrt(2))
    random = Random(SEED)  # noqa: S311
    pooled = [([*case.a, *case.b], len(case.a), fsum(case.a) + fsum(case.b)) for case in telling]
    slack = observed * (1 - 1e-9)
    beyond = 0
    for _ in range(number):
        total = 0.0
        for values, first, whole in pooled:
            drawn = fsum(random.sample(values, first))
            total += (whole - drawn) / (len(values) - first) - drawn / first
        beyond += abs(total) >= slack
    return (beyond + 1) / (number + 1)


def _are_drawn(cases: int, values: float) -> bool:
    """Whether whole cases are drawn: there are many, or too few values of each to tell how they vary."""
    return cases >= MANY_CASES or values < 2 * cases


def _draws(values: int) -> int:
    """Return how often so many values are drawn; 0: too often for the time it takes."""
    number = min(_DRAWS, _WORK // max(values, 1))
    return number if number >= _LEAST_DRAWS else 0


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _spread(values: Sequence[float]) -> float:
    """Return the sum of squares around the mean, for as many values as there are, corrected for its own estimate."""
    if len(values) < 2:
        return 0.0
    mean = fmean(values)
    return fsum((value - mean) ** 2 for value in values) * len(values) / (len(values) - 1)


def _expanded(level: float, drawn: float, freedom: int) -> float:
    """Return the level whose percentiles hold as often as they should, when each draw is of so few (Hesterberg).

    Args:
        level: Confidence level.
        drawn: How many are drawn at once, of cases or within a case; percentiles are too narrow when they are few.
        freedom: Degrees of freedom of what is known of their spread.
    """
    if drawn <= 1 or freedom < 1:
        return level
    return 2 * NormalDist().cdf(sqrt(drawn / (drawn - 1)) * student(level, freedom)) - 1


def _normal(mean: float, error: float, level: float) -> Interval:
    half = quantile(level) * error
    return Interval(mean, mean - half, mean + half)


def _percentiles(mean: float, means: list[float], level: float) -> Interval:
    means.sort()
    below = (1 - level) / 2
    low = means[int(below * (len(means) - 1))]
    high = means[min(len(means) - 1, int((1 - below) * (len(means) - 1)) + 1)]
    return Interval(mean, min(low, mean), max(high, mean))
