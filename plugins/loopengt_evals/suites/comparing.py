"""Holds two evaluations against each other, case by case, and says what the trials bear out."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING, NamedTuple

from loopengt.errors import UsageError
from loopengt_evals.statistics.means import CaseValues, mean_difference, permutation_test
from loopengt_evals.statistics.multiple import holm
from loopengt_evals.statistics.proportions import CaseCounts, Interval, difference, exact_test, quantile
from loopengt_evals.suites.model import Limit
from loopengt_evals.suites.planning import SUCCESS
from loopengt_evals.suites.results import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loopengt_evals.suites.results import Side, SideCase

__all__ = ["Change", "Compared", "Comparison", "common_cases", "compare"]

_POWER = 0.8
_LISTED = 5
_SURELY_ENOUGH = 50
_THIS = "this evaluation"


@dataclass(slots=True)
class Compared:
    """One figure of both sides."""

    name: str
    figure: Figure
    a: float
    b: float
    change: Interval
    """b less a, with its interval, as a mean over the common cases."""
    p: float
    adjusted: float | None
    """P value, adjusted for all figures that decide; None: this one decides nothing."""
    min_difference: float = 0.0
    verdict: str = "none"
    """``better``, ``worse``, or ``none``: no difference is shown, or none that counts."""

    @property
    def p_text(self) -> str:
        """The p value that counts, as it is written."""
        p = self.p if self.adjusted is None else self.adjusted
        return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


class Change(NamedTuple):
    """A case that succeeds less often, or more often, than before."""

    case: str
    passed_a: int
    trials_a: int
    passed_b: int
    trials_b: int


@dataclass(slots=True)
class Comparison:
    """Two evaluations side by side."""

    a: Side
    b: Side
    cases: int
    """Cases that both have."""
    trials_a: int
    trials_b: int
    level: float
    figures: list[Compared]
    enough: bool = True
    """Whether so many trials could show any difference of the success rates at all."""
    broken: list[Change] = field(default_factory=list)
    """Cases that always succeeded in a, and do not in b."""
    mended: list[Change] = field(default_factory=list)
    """Cases that always succeed in b, and did not in a."""
    notes: list[str] = field(default_factory=list)
    """What a person should know of how far the two can be compared."""

    @property
    def verdict(self) -> str:
        """``worse`` when any figure is; else ``better`` when any is; else ``none``."""
        found = {each.verdict for each in self.figures}
        return "worse" if "worse" in found else "better" if "better" in found else "none"

    @property
    def success(self) -> Compared:
        """The success rates."""
        return self.figures[0]

    @property
    def sentence(self) -> str:
        """The verdict in a sentence, and what could have been seen."""
        a, b = self.a.label, self.b.label
        worse = [_phrase(each) for each in self.figures if each.verdict == "worse"]
        better = [_phrase(each) for each in self.figures if each.verdict == "better"]
        b = b[:1].upper() + b[1:] if b == _THIS else b
        if worse:
            also = f"; better: {', '.join(better)}" if better else ""
            return f"{b} is worse than {a}: {', '.join(worse)}{also}."
        if better:
            return f"{b} is better than {a}: {', '.join(better)}."
        b = self.b.label
        low, high = self.success.change.low, self.success.change.high
        return (
            f"No difference between {a} and {b} is shown: {_phrase(self.success)}; "
            f"{low * 100:+.0f} to {high * 100:+.0f} points are compatible with the trials."
        )

    @property
    def power(self) -> str:
        """Say which difference of the success rates so many trials would have shown."""
        seen = self.detectable
        if seen is None:
            return "With so few trials no difference of the success rates could have been shown."
        count = (
            f"{self.trials_a} and {self.trials_b} trials of {self.cases} case{'' if self.cases == 1 else 's'}"
        )
        return f"With {count}, a difference of {seen * 100:.0f} points is shown 4 times out of 5."

    @property
    def detectable(self) -> float | None:
        """Difference of success rates that is shown with a probability of 80 %; None: not even the largest."""
        if not self.enough:
            return None
        z = quantile(self.level)
        error = (self.success.change.high - self.success.change.low) / 2 / z
        share = (self.success.a + self.success.b) / 2
        # The trials at hand may vary less than others would: no less than half of what shares like these do.
        floor = sqrt(max(share * (1 - share), 0.05) * (1 / self.trials_a + 1 / self.trials_b)) / 2
        seen = (z + NormalDist().inv_cdf(_POWER)) * max(error, floor)
        return seen if seen < 1 else None


def _phrase(each: Compared) -> str:
    if each.name == SUCCESS:
        return f"success rate {each.a * 100:.0f} % → {each.b * 100:.0f} % ({each.p_text})"
    return f"{each.name} {each.a:.4g} → {each.b:.4g} ({each.p_text})"


def compare(
    a: Side,
    b: Side,
    *,
    level: float,
    figures: Mapping[str, Figure],
    thresholds: Mapping[str, Limit],
) -> Comparison:
    """Hold b against a.

    The success rate decides, and each figure that has a threshold; the p values of these are adjusted together. The
    others are shown beside them.

    Args:
        a: What is known, such as a baseline.
        b: What is held against it.
        level: Confidence level.
        figures: The figures that both may have.
        thresholds: ``min_difference`` by figure.

    Raises:
        UsageError: They have no case in common.
    """
    common = common_cases(a, b.label, {name: case.digest for name, case in b.cases.items()})
    pairs = [(a.cases[name], b.cases[name]) for name in common]
    compared = [_success(pairs, level)]
    compared += [
        each
        for name, figure in figures.items()
        for each in [_figure(name, figure, pairs, level)]
        if each is not None
    ]
    deciding = [
        each for each in compared if each.name == SUCCESS or (each.name in thresholds and each.figure.better)
    ]
    adjusted = holm({each.name: each.p for each in deciding})
    for each in deciding:
        each.adjusted = adjusted[each.name]
        each.min_difference = thresholds.get(each.name, Limit()).min_difference
        each.verdict = _verdict(each, 1 - level)
    for each in compared:
        each.change = _with_zero(each, 1 - level)
    changes = [
        Change(name, sum(one.passed), len(one.passed), sum(other.passed), len(other.passed))
        for name, (one, other) in zip(common, pairs, strict=True)
    ]
    return Comparison(
        a=a,
        b=b,
        cases=len(common),
        trials_a=sum(len(one.passed) for one, _ in pairs),
        trials_b=sum(len(other.passed) for _, other in pairs),
        level=level,
        figures=compared,
        enough=_enough(pairs, 1 - level),
        broken=sorted(
            (c for c in changes if c.passed_a == c.trials_a and c.passed_b < c.trials_b), key=_worst
        ),
        mended=sorted(
            (c for c in changes if c.passed_a < c.trials_a and c.passed_b == c.trials_b), key=_worst
        ),
        notes=list(_notes(a, b, common)),
    )


def common_cases(a: Side, label: str, digests: Mapping[str, str]) -> list[str]:
    """Return the names of the cases that another side shares with ``a``.

    Args:
        a: One side.
        label: What the other one is called.
        digests: Digests of the cases of the other one, by name.

    Raises:
        UsageError: There are none.
    """
    found = [name for name, digest in digests.items() if name in a.cases and a.cases[name].digest == digest]
    if not found:
        raise UsageError(
            f"{a.label} and {label} have no case in common",
            remedy="Compare evaluations of the same suite; a baseline is made anew with --baseline save.",
        )
    return found


def _enough(pairs: list[tuple[SideCase, SideCase]], alpha: float) -> bool:
    """Whether the test would tell the two apart when one had always failed and the other never."""
    extreme = [CaseCounts(0, len(one.passed), len(other.passed), len(other.passed)) for one, other in pairs]
    return len(extreme) > _SURELY_ENOUGH or exact_test(extreme) < alpha


def _worst(change: Change) -> tuple[float, str]:
    return -abs(change.passed_b / change.trials_b - change.passed_a / change.trials_a), change.case


def _success(pairs: list[tuple[SideCase, SideCase]], level: float) -> Compared:
    counts = [
        CaseCounts(sum(one.passed), len(one.passed), sum(other.passed), len(other.passed))
        for one, other in pairs
    ]
    return Compared(
        name=SUCCESS,
        figure=Figure("share", "higher"),
        a=fmean(c.passed_a / c.trials_a for c in counts),
        b=fmean(c.passed_b / c.trials_b for c in counts),
        change=difference(counts, level),
        p=exact_test(counts),
        adjusted=None,
    )


def _figure(
    name: str, figure: Figure, pairs: list[tuple[SideCase, SideCase]], level: float
) -> Compared | None:
    values = [
        CaseValues(one.values[name], other.values[name])
        for one, other in pairs
        if one.values.get(name) and other.values.get(name)
    ]
    if not values:
        return None
    return Compared(
        name=name,
        figure=figure,
        a=fmean(fmean(each.a) for each in values),
        b=fmean(fmean(each.b) for each in values),
        change=mean_difference(values, level),
        p=permutation_test(values),
        adjusted=None,
    )


def _with_zero(each: Compared, alpha: float) -> Interval:
    """Return the interval of a change, which holds zero when the test does not rule it out."""
    p = each.p if each.adjusted is None else each.adjusted
    low, high = (min(each.change.low, 0.0), max(each.change.high, 0.0)) if p >= alpha else each.change[1:]
    return Interval(each.change.estimate, low, high)


def _verdict(each: Compared, alpha: float) -> str:
    change = each.change.estimate
    if (
        each.adjusted is None
        or each.adjusted >= alpha
        or change == 0
        or abs(change) < each.min_difference - 1e-12
    ):
        return "none"
    return "better" if (change > 0) == (each.figure.better == "higher") else "worse"


def _notes(a: Side, b: Side, common: list[str]) -> Iterator[str]:
    if a.facts.get("suite") != b.facts.get("suite"):
        yield f"They are of different suites: {a.facts.get('suite')!r} and {b.facts.get('suite')!r}."
    elif a.facts.get("suite_digest") != b.facts.get("suite_digest"):
        yield "The suite has changed between them: its cases, its judges, or what counts as a success."
    changed = sorted(n for n in b.cases if n in a.cases and n not in set(common))
    for what, names in (
        ("were changed", changed),
        (f"are only in {a.label}", sorted(a.cases.keys() - b.cases.keys())),
        (f"are only in {b.label}", sorted(b.cases.keys() - a.cases.keys())),
    ):
        if names:
            more = ", …" if len(names) > _LISTED else ""
            yield f"{len(names)} cases {what}, and are left out: {', '.join(names[:_LISTED])}{more}"
    one, other = (str((side.facts.get("versions") or {}).get("loopengt", "?")) for side in (a, b))
    if one != other:
        yield f"They were made with different versions of loopengt: {one} and {other}."
