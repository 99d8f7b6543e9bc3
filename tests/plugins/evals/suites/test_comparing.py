"""Comparisons: what decides, what is broken, and how many figures at once are judged."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.errors import UsageError
from loopengt_evals.suites.comparing import Comparison, compare
from loopengt_evals.suites.model import Limit
from loopengt_evals.suites.results import Figure, Side, SideCase

COST = {"cost_usd": Figure("usd", "lower")}


def side(
    label: str, cases: dict[str, list[int]], costs: dict[str, list[float]] | None = None, **facts: Any
) -> Side:
    """Return one side; its cases' digests are their names."""
    made = {
        name: SideCase(name, passed, {"cost_usd": (costs or {})[name]} if costs else {})
        for name, passed in cases.items()
    }
    return Side(label, {"suite": "s", "suite_digest": "d", "versions": {"loopengt": "1"}} | facts, made)


def held(a: Side, b: Side, **thresholds: Limit) -> Comparison:
    """Hold b against a at 95 %."""
    return compare(a, b, level=0.95, figures=COST, thresholds=thresholds)


def test_better_and_worse_are_two_sides_of_the_same() -> None:
    """What is better one way is worse the other way, with the same p value."""
    a, b = side("a", {"x": [0] * 10 + [1] * 2}), side("b", {"x": [1] * 11 + [0]})
    forth, back = held(a, b), held(b, a)
    assert (forth.verdict, back.verdict) == ("better", "worse")
    assert forth.success.p == pytest.approx(back.success.p)
    assert "b is better than a: success rate 17 % → 92 %" in forth.sentence


def test_what_always_passed_and_no_longer_does_is_listed() -> None:
    """Broken and mended cases are named, the worst first, whatever the verdict on the whole is."""
    a = side("a", {"x": [1, 1], "y": [1, 1], "z": [0, 1], "same": [1, 1]})
    b = side("b", {"x": [1, 0], "y": [0, 0], "z": [1, 1], "same": [1, 1]})
    found = held(a, b)
    assert [change.case for change in found.broken] == ["y", "x"]
    assert [change.case for change in found.mended] == ["z"]
    assert found.verdict == "none"


def test_a_cheaper_loop_is_better_when_cost_was_to_decide() -> None:
    """A metric decides when it has a threshold, lower is better where it says so, and small changes do not count."""
    a = side("a", {"x": [1] * 20}, {"x": [0.10 + 0.001 * n for n in range(20)]})
    b = side("b", {"x": [1] * 20}, {"x": [0.05 + 0.001 * n for n in range(20)]})
    assert held(a, b).verdict == "none"
    assert held(a, b, cost_usd=Limit()).verdict == "better"
    assert held(b, a, cost_usd=Limit()).verdict == "worse"
    assert held(b, a, cost_usd=Limit(min_difference=0.2)).verdict == "none"


def test_several_figures_are_judged_together() -> None:
    """What would be shown by itself is not any more among several that decide."""
    a = side("a", {"x": [0, 0, 0, 0, 0, 1]}, {"x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    b = side("b", {"x": [1, 1, 1, 1, 1, 0]}, {"x": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]})
    alone, together = held(a, b), held(a, b, cost_usd=Limit())
    assert together.success.adjusted == pytest.approx(2 * (alone.success.adjusted or 0))


def test_nothing_in_common_is_refused() -> None:
    """Cases that were changed are other cases."""
    a, b = side("a", {"x": [1]}), side("b", {"x": [1]})
    b.cases["x"] = SideCase("changed", [1])
    with pytest.raises(UsageError, match="a and b have no case in common"):
        held(a, b)


def test_of_how_much_could_have_been_seen() -> None:
    """The more trials, the smaller the difference that would have been shown; a handful show none."""
    few, some, many = (
        held(side("a", {"x": ([0, 1] * n)}), side("b", {"x": ([0, 1] * n)})).detectable for n in (1, 50, 500)
    )
    assert few is None
    assert some is not None and many is not None
    assert some == pytest.approx(
        0.195, abs=0.02
    )  # 2.8 standard errors of two shares of 50 % in 100 trials each
    assert many < some / 2


def test_whole_successes_do_not_pretend_to_show_everything() -> None:
    """When nothing ever fails the trials seem to vary not at all; what they could have shown is still said soberly."""
    cases = {f"c{n}": [1] for n in range(100)}
    found = held(side("a", cases), side("b", cases))
    assert found.detectable is not None
    assert 0.03 < found.detectable < 0.2
    assert "is shown 4 times out of 5" in found.power


def test_what_is_not_ruled_out_lies_in_the_interval() -> None:
    """Where the test shows no difference, the interval of the change holds zero, for rates as for means."""
    before = {f"c{n}": [1] * 5 + [0] * 5 for n in range(10)}
    after = {f"c{n}": [1] * 6 + [0] * 4 for n in range(10)}
    costs = (
        {f"c{n}": [2.0] * 5 + [1.0] * 5 for n in range(10)},
        {f"c{n}": [2.0] * 6 + [1.0] * 4 for n in range(10)},
    )
    a, b = (side(label, cases) for label, cases in (("a", before), ("b", after)))
    for one, values in zip((a, b), costs, strict=True):
        for name, case in one.cases.items():
            case.values["cost_usd"] = values[name]
    found = held(a, b)
    assert found.verdict == "none"
    assert len(found.figures) == 2
    for each in found.figures:
        assert each.p > 0.05
        assert each.change.low <= 0 < each.change.estimate
