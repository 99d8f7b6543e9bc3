"""Makes one list of several that were found in different ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

__all__ = ["MERGES", "Hits", "by_rank", "by_score"]

Hits: TypeAlias = list[tuple[int, float]]
"""Numbers of entries with their scores, best first."""

_OFFSET = 60
"""Added to each place, so that the first few of a list do not outweigh all that both lists have."""


def by_rank(lists: Sequence[tuple[float, Hits]]) -> Hits:
    """Merge by the places in the lists: the score is the sum of weight / (60 + place)."""
    scores: dict[int, float] = defaultdict(float)
    for weight, hits in lists:
        for place, (number, _) in enumerate(hits, start=1):
            scores[number] += weight / (_OFFSET + place)
    return _sorted(scores)


def by_score(lists: Sequence[tuple[float, Hits]]) -> Hits:
    """Merge by the scores: each list's best counts 1, what is 0 or less counts 0, times the weight."""
    scores: dict[int, float] = defaultdict(float)
    for weight, hits in lists:
        best = max((score for _, score in hits), default=0.0)
        for number, score in hits:
            scores[number] += weight * max(0.0, score) / best if best > 0 else 0.0
    return _sorted(scores)


MERGES: Mapping[str, Callable[[Sequence[tuple[float, Hits]]], Hits]] = {
    "reciprocal_rank": by_rank,
    "weighted": by_score,
}
"""The ways of merging, by name."""


def _sorted(scores: Mapping[int, float]) -> Hits:
    return sorted(scores.items(), key=lambda hit: (-hit[1], -hit[0]))
