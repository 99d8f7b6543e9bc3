"""How two rows of numbers go together."""

from __future__ import annotations

from collections.abc import Sequence
from math import atanh, fsum, sqrt, tanh
from statistics import fmean

from loopengt_evals.statistics.proportions import Interval, quantile

__all__ = ["auc", "mean_absolute_error", "pearson", "ranks", "spearman", "spearman_interval"]


def pearson(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Return Pearson's correlation; None when one of them does not vary."""
    if len(xs) < 2:
        return None
    mean_x, mean_y = fmean(xs), fmean(ys)
    both = fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    spread = sqrt(fsum((x - mean_x) ** 2 for x in xs)) * sqrt(fsum((y - mean_y) ** 2 for y in ys))
    return max(-1.0, min(1.0, both / spread)) if spread else None


def ranks(values: Sequence[float]) -> list[float]:
    """Return the ranks, from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in range(start, end + 1):
            found[order[place]] = (start + end) / 2 + 1
        start = end + 1
    return found


def spearman(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation; None when one of them does not vary."""
    return pearson(ranks(xs), ranks(ys))


def spearman_interval(xs: Sequence[float], ys: Sequence[float], level: float = 0.95) -> Interval | None:
    """Return Spearman's rank correlation with an interval, by Fisher's transformation (Bonett and Wright's variance).

    Args:
        xs: Numbers.
        ys: As many.
        level: Of the interval.

    Returns:
        The interval; None with fewer than 4 pairs, or when one of them does not vary.
    """
    rho = spearman(xs, ys)
    if rho is None or len(xs) < 4:
        return None
    if abs(rho) >= 1:
        return Interval(rho, rho, rho)
    half = quantile(level) * sqrt((1 + rho * rho / 2) / (len(xs) - 3))
    return Interval(rho, tanh(atanh(rho) - half), tanh(atanh(rho) + half))


def mean_absolute_error(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Return by how much they differ on average; None when there are none."""
    return fmean(abs(x - y) for x, y in zip(xs, ys, strict=True)) if xs else None


def auc(scored: Sequence[tuple[bool, float]]) -> float | None:
    """Return how likely something good has a higher score than something bad, equal scores counted half.

    Args:
        scored: Whether it is good, and its score.

    Returns:
        The area under the ROC curve; None when all are good, or none is.
    """
    good = sum(label for label, _ in scored)
    bad = len(scored) - good
    if not good or not bad:
        return None
    found = ranks([score for _, score in scored])
    total = fsum(rank for rank, (label, _) in zip(found, scored, strict=True) if label)
    return (total - good * (good + 1) / 2) / (good * bad)
