"""Intervals and tests for shares of successes."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, erfc, exp, fsum, lgamma, log, sqrt
from statistics import NormalDist, fmean
from typing import NamedTuple

__all__ = ["CaseCounts", "Interval", "clustered", "difference", "exact_test", "quantile", "student", "wilson"]

MANY_CASES = 10
"""Cases from which what differs between them is estimated from them."""

_MOST_CELLS = 4_000
"""Length of a distribution up to which it is computed exactly."""


class Interval(NamedTuple):
    """An estimate with the bounds of its confidence interval."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


class CaseCounts(NamedTuple):
    """Trials and successes of one case in two evaluations."""

    passed_a: int
    trials_a: int
    passed_b: int
    trials_b: int


def quantile(level: float) -> float:
    """Return how many standard errors a two-sided interval of that level reaches to each side."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def student(level: float, freedom: int) -> float:
    """Return the same of Student's distribution, as a first-order approximation for ten degrees of freedom or more."""
    z = quantile(level)
    return z + (z**3 + z) / (4 * freedom)


def wilson(passed: float, trials: float, level: float = 0.95) -> Interval:
    """Return a share with Wilson's score interval, without correction for continuity.

    Args:
        passed: Successes.
        trials: Trials, more than none.
        level: Confidence level.
    """
    share, z = passed / trials, quantile(level)
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # At the ends rounding would leave a trace of the other side.
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == trials else min(1.0, centre + half)
    return Interval(share, low, high)


def clustered(counts: Sequence[tuple[int, int]], level: float = 0.95) -> Interval | None:
    """Return the mean share of cases with an interval for other cases like these.

    Trials of one case resemble each other: they tell less of other cases than so many different cases would. Wilson's
    interval is taken for as many independent trials as would vary as the cases do, and for fewer where few cases tell
    little of how much they vary (Korn and Graubard).

    Args:
        counts: Successes and trials of each case, trials more than none.
        level: Confidence level.

    Returns:
        The interval; None with fewer than 10 cases, from which it cannot be told how cases differ.
    """
    if len(counts) < MANY_CASES:
        return None
    shares = [passed / trials for passed, trials in counts]
    mean, number = fmean(shares), len(counts)
    trials = sum(count for _, count in counts)
    variance = fsum((share - mean) ** 2 for share in shares) / (number - 1) / number
    independent = mean * (1 - mean) / variance if variance > 0 else number
    independent *= (quantile(level) / student(level, number - 1)) ** 2
    independent = min(max(independent, number), trials)
    return wilson(mean * independent, independent, level)


def difference(counts: Sequence[CaseCounts], level: float = 0.95) -> Interval:
    """Return by how much the success rate of b is higher than that of a, as a mean over the cases that both have.

    With ten or more cases each case is one observation, and two further half observations on either side keep the
    interval from being too sure (Agresti and Min); with fewer, the trials within each case are the observations
    (Agresti and Caffo).

    Args:
        counts: Trials of both for each case, all more than none.
        level: Confidence level.
    """
    number, z = len(counts), quantile(level)
    differences = [c.passed_b / c.trials_b - c.passed_a / c.trials_a for c in counts]
    estimate = fmean(differences)
    if number < MANY_CASES:
        variance = fsum(_smoothed(c.passed_a, c.trials_a) + _smoothed(c.passed_b, c.trials_b) for c in counts)
        centre = fmean(
            (c.passed_b + 1) / (c.trials_b + 2) - (c.passed_a + 1) / (c.trials_a + 2) for c in counts
        )
        half = z * sqrt(variance) / number
    else:
        unit = fmean(2 / (c.trials_a + c.trials_b) for c in counts)
        total = number + 2
        centre = fsum(differences) / total
        squares = fsum(each * each for each in differences) + unit
        z = student(level, number)  # few cases tell little of how much they vary
        half = z * sqrt(max(squares / total - centre * centre, 0.0) / total)
    return Interval(estimate, max(-1.0, min(centre - half, estimate)), min(1.0, max(centre + half, estimate)))


def _smoothed(passed: int, trials: int) -> float:
    share = (passed + 1) / (trials + 2)
    return share * (1 - share) / (trials + 2)


def exact_test(counts: Sequence[CaseCounts]) -> float:
    """Return the two-sided p value of the hypothesis that on each of these cases both succeed equally often.

    It is the exact conditional test, stratified by case: given how many of a case's trials succeeded, those of either
    side are drawn at random under the hypothesis. With a single case it is Fisher's exact test, with one trial of
    each case McNemar's. Where the exact distribution would be very long, the normal approximation is taken.

    Args:
        counts: Trials of both for each case.
    """
    telling = [c for c in counts if 0 < c.passed_a + c.passed_b < c.trials_a + c.trials_b]
    if not telling:
        return 1.0
    bounds = [_bounds(c) for c in telling]
    observed = sum(c.passed_b - low for c, (low, _) in zip(telling, bounds, strict=True))
    if sum(high - low for low, high in bounds) > _MOST_CELLS:
        return _approximate(telling)
    total = [1.0]
    for each in sorted((_hypergeometric(c) for c in telling), key=len):
        total = _convolved(total, each)
    limit = total[observed] * (1 + 1e-7)
    return min(1.0, fsum(share for share in total if share <= limit))


def _bounds(c: CaseCounts) -> tuple[int, int]:
    successes = c.passed_a + c.passed_b
    return max(0, successes - c.trials_a), min(successes, c.trials_b)


def _hypergeometric(c: CaseCounts) -> list[float]:
    """Return how likely each number of successes of b is, from the least possible."""
    low, high = _bounds(c)
    successes = c.passed_a + c.passed_b
    whole = _log_comb(c.trials_a + c.trials_b, successes)
    return [
        exp(_log_comb(c.trials_b, k) + _log_comb(c.trials_a, successes - k) - whole)
        for k in range(low, high + 1)
    ]


def _log_comb(n: int, k: int) -> float:
    return log(comb(n, k)) if n < 1_000 else lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _convolved(one: Sequence[float], other: Sequence[float]) -> list[float]:
    found = [0.0] * (len(one) + len(other) - 1)
    for place, share in enumerate(other):
        for index, value in enumerate(one):
            found[place + index] += share * value
    return found


def _approximate(counts: Sequence[CaseCounts]) -> float:
    above = variance = 0.0
    for c in counts:
        n, successes = c.trials_a + c.trials_b, c.passed_a + c.passed_b
        above += c.passed_b - c.trials_b * successes / n
        variance += c.trials_a * c.trials_b * successes * (n - successes) / (n * n * (n - 1))
    z = max(0.0, abs(above) - 0.5) / sqrt(variance)
    return erfc(z / sqrt(2))
