"""How far two ways of sorting the same things into good and bad agree beyond chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import NamedTuple

from loopengt_evals.statistics.proportions import Interval

__all__ = ["Table", "Threshold", "best_threshold", "cross_validated", "kappa_interval", "sign_test"]

SEED = 20_260_202
"""Seed of the draws: the same table gives the same interval."""

_DRAWS = 4_000
_PRIOR = 0.25
"""What each cell counts beforehand, one observation altogether (Perks): so a table with an empty cell has an interval,
too, where a bootstrap would draw the same table each time."""


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of what people and a judge said: people first."""

    pass_pass: float = 0
    pass_fail: float = 0
    """People passed it, the judge did not."""
    fail_pass: float = 0
    fail_fail: float = 0

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> Table:
        """Count pairs of what people said and what the judge said."""
        counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
        for people, judge in pairs:
            counts[people, judge] += 1
        return cls(counts[True, True], counts[True, False], counts[False, True], counts[False, False])

    @property
    def total(self) -> float:
        """How many there are."""
        return self.pass_pass + self.pass_fail + self.fail_pass + self.fail_fail

    @property
    def agreement(self) -> float | None:
        """The share in which both say the same."""
        return _share(self.pass_pass + self.fail_fail, self.total)

    @property
    def precision(self) -> float | None:
        """Of what the judge passed, the share that people passed."""
        return _share(self.pass_pass, self.pass_pass + self.fail_pass)

    @property
    def recall(self) -> float | None:
        """Of what people passed, the share that the judge passed."""
        return _share(self.pass_pass, self.pass_pass + self.pass_fail)

    @property
    def specificity(self) -> float | None:
        """Of what people failed, the share that the judge failed."""
        return _share(self.fail_fail, self.fail_fail + self.fail_pass)

    @property
    def chance(self) -> float | None:
        """The share in which both would say the same by chance, each as often good as it does."""
        if not self.total:
            return None
        people = (self.pass_pass + self.pass_fail) / self.total
        judge = (self.pass_pass + self.fail_pass) / self.total
        return people * judge + (1 - people) * (1 - judge)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: 1 is full agreement, 0 what chance gives; None: both only ever say one thing."""
        agreement, chance = self.agreement, self.chance
        if agreement is None or chance is None or chance >= 1:
            return None
        return (agreement - chance) / (1 - chance)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def kappa_interval(table: Table, level: float = 0.95) -> Interval | None:
    """Return Cohen's kappa with an interval.

    The interval is that of 4,000 draws of the table's shares, given its counts and a prior that counts as one
    observation. Unlike the asymptotic one and a bootstrap it is not empty where the two always agree.

    Args:
        table: The counts.
        level: Of the interval.

    Returns:
        The interval; None when kappa has no value.
    """
    kappa = table.kappa
    if kappa is None:
        return None
    random = Random(SEED)  # noqa: S311  # statistics, no secret
    cells = (table.pass_pass, table.pass_fail, table.fail_pass, table.fail_fail)
    drawn = []
    for _ in range(_DRAWS):
        found = Table(*(random.gammavariate(count + _PRIOR, 1.0) for count in cells)).kappa
        if found is not None:
            drawn.append(found)
    drawn.sort()
    tail = (1 - level) / 2
    low, high = drawn[int(tail * len(drawn))], drawn[min(len(drawn) - 1, int((1 - tail) * len(drawn)))]
    return Interval(kappa, min(low, kappa), max(high, kappa))


def sign_test(first: int, second: int) -> float:
    """Return how likely it is that two counts differ at least so much when each event goes either way alike."""
    total, fewer = first + second, min(first, second)
    if not total:
        return 1.0
    tail = ways = 1
    for place in range(fewer):
        ways = ways * (total - place) // (place + 1)
        tail += ways
    return min(1.0, float(Fraction(2 * tail, 2**total)))


# Thresholds


class Threshold(NamedTuple):
    """A threshold, and how well scores from it on agree with labels."""

    threshold: float
    kappa: float


Scored = tuple[bool, float]
"""A label and a score."""


def best_threshold(scored: Sequence[Scored]) -> Threshold | None:
    """Return the threshold with the highest kappa: in the middle between two scores that stand next to each other.

    Of several the one with the widest gap around it is taken.

    Args:
        scored: Labels and scores.

    Returns:
        The threshold; None when the labels, or the scores, are all the same.
    """
    scores = sorted({score for _, score in scored})
    good = sum(label for label, _ in scored)
    if len(scores) < 2 or good in (0, len(scored)):
        return None
    at: dict[float, list[int]] = {score: [0, 0] for score in scores}
    for label, score in scored:
        at[score][label] += 1
    best: tuple[float, float, float] | None = None
    below_bad = below_good = 0
    for low, high in pairwise(scores):
        below_bad += at[low][0]
        below_good += at[low][1]
        bad = len(scored) - good
        kappa = Table(good - below_good, below_good, bad - below_bad, below_bad).kappa
        if kappa is not None:
            found = (round(kappa, 12), high - low, (low + high) / 2)
            best = found if best is None or found[:2] > best[:2] else best
    return None if best is None else Threshold(_short(best[2], scores), best[0])


def _short(value: float, scores: Sequence[float]) -> float:
    """Return the number with the fewest digits that parts the scores as the value does."""
    below = [score for score in scores if score < value]
    for digits in range(1, 6):
        rounded = round(value, digits)
        if below[-1] < rounded <= scores[len(below)]:
            return rounded
    return value


def cross_validated(scored: Sequence[Scored], folds: int = 10) -> float | None:
    """Return the kappa of thresholds on labels that had no part in choosing them.

    The labels are dealt into folds, both kinds evenly; the threshold for each fold is chosen on the others.

    Args:
        scored: Labels and scores.
        folds: How many; no more than there are labels of the rarer kind.

    Returns:
        Kappa; None when there are too few of one kind to deal.
    """
    random = Random(SEED)  # noqa: S311
    kinds = [[one for one in scored if one[0] is label] for label in (True, False)]
    folds = min(folds, *map(len, kinds))
    if folds < 2:
        return None
    dealt: list[list[Scored]] = [[] for _ in range(folds)]
    for kind in kinds:
        random.shuffle(kind)
        for place, one in enumerate(kind):
            dealt[place % folds].append(one)
    pairs: list[tuple[bool, bool]] = []
    for held in range(folds):
        rest = [one for place, fold in enumerate(dealt) if place != held for one in fold]
        chosen = best_threshold(rest)
        if chosen is None:
            return None
        pairs += [(label, score >= chosen.threshold) for label, score in dealt[held]]
    return Table.of(pairs).kappa
