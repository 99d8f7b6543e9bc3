"""Shares: intervals and tests against values from the literature and from enumeration."""

from __future__ import annotations

from itertools import product
from math import comb

import pytest

from loopengt_evals.statistics.proportions import (
    CaseCounts,
    clustered,
    difference,
    exact_test,
    quantile,
    wilson,
)


@pytest.mark.parametrize(
    ("passed", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_published_intervals(passed: int, trials: int, low: float, high: float) -> None:
    """The score interval is that of Newcombe's table, to the digits printed there."""
    found = wilson(passed, trials)
    assert found.estimate == passed / trials
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_wilson_stays_within_bounds_and_narrows() -> None:
    """The interval holds the share, stays within 0 and 1, and a higher level makes it wider."""
    for trials in (1, 2, 7, 100):
        for passed in range(trials + 1):
            found, wide = wilson(passed, trials), wilson(passed, trials, 0.99)
            assert 0 <= wide.low <= found.low <= found.estimate <= found.high <= wide.high <= 1
    assert wilson(10, 10).high == 1.0
    assert wilson(0, 10).low == 0.0


def test_quantiles_are_those_of_the_normal_distribution() -> None:
    """A 95 % interval reaches 1.96 standard errors to each side."""
    assert quantile(0.95) == pytest.approx(1.959964, abs=1e-6)


def test_one_case_is_fishers_exact_test() -> None:
    """With a single case the p value is that of Fisher's test: tea tasting, and two published tables."""
    assert exact_test([CaseCounts(3, 4, 1, 4)]) == pytest.approx(0.485714, abs=1e-6)
    assert exact_test([CaseCounts(1, 10, 8, 10)]) == pytest.approx(0.005477, abs=1e-6)
    assert exact_test([CaseCounts(1, 12, 9, 12)]) == pytest.approx(0.002759, abs=1e-6)


def test_one_trial_a_case_is_mcnemars_exact_test() -> None:
    """With one trial of each case the p value is that of the sign test on the cases that differ."""
    counts = [CaseCounts(0, 1, 1, 1)] * 8 + [CaseCounts(1, 1, 0, 1)] * 2 + [CaseCounts(1, 1, 1, 1)] * 30
    binomial = 2 * sum(comb(10, k) for k in range(3)) / 2**10
    assert exact_test(counts) == pytest.approx(binomial, abs=1e-12)


def test_several_cases_are_what_enumeration_gives() -> None:
    """With several cases the p value is the share of all deals of each case's results that are as unlikely."""
    counts = [CaseCounts(1, 2, 2, 3), CaseCounts(0, 2, 2, 2), CaseCounts(2, 3, 3, 3)]
    chances: dict[int, float] = {}
    ranges = [range(c.trials_b + 1) for c in counts]
    for drawn in product(*ranges):
        chance = 1.0
        for c, k in zip(counts, drawn, strict=True):
            s = c.passed_a + c.passed_b
            chance *= (
                comb(c.trials_b, k) * comb(c.trials_a, s - k) / comb(c.trials_a + c.trials_b, s)
                if s >= k
                else 0
            )
        chances[sum(drawn)] = chances.get(sum(drawn), 0.0) + chance
    seen = chances[sum(c.passed_b for c in counts)]
    wanted = sum(chance for chance in chances.values() if chance <= seen * (1 + 1e-9))
    assert exact_test(counts) == pytest.approx(wanted, abs=1e-12)


def test_the_test_is_the_same_from_both_sides() -> None:
    """Exchanging the two sides changes the p value not at all, and the difference in its sign alone."""
    counts = [CaseCounts(3, 5, 5, 5), CaseCounts(1, 4, 3, 6), CaseCounts(0, 2, 1, 2)]
    turned = [CaseCounts(c.passed_b, c.trials_b, c.passed_a, c.trials_a) for c in counts]
    assert exact_test(counts) == pytest.approx(exact_test(turned), abs=1e-12)
    one, other = difference(counts), difference(turned)
    assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))


def test_cases_that_tell_nothing_are_no_evidence() -> None:
    """Where both always or never succeed there is no difference, and cases like that change no other result."""
    silent = [CaseCounts(5, 5, 5, 5), CaseCounts(0, 5, 0, 5)]
    assert exact_test(silent) == 1.0
    telling = [CaseCounts(2, 10, 9, 10)]
    assert exact_test(telling + silent) == pytest.approx(exact_test(telling))


def test_very_many_cases_are_approximated_closely() -> None:
    """Where the exact distribution is too long the normal approximation comes near to it."""
    counts = [CaseCounts(1, 1, 0, 1)] * 2_500 + [CaseCounts(0, 1, 1, 1)] * 2_650
    half = [CaseCounts(1, 1, 0, 1)] * 1_250 + [CaseCounts(0, 1, 1, 1)] * 1_325
    assert exact_test(counts) == pytest.approx(0.0378, abs=0.001)  # sign test, 2500 of 5150
    assert exact_test(half) == pytest.approx(0.1447, abs=0.003)


def test_one_trial_of_each_case_gives_the_interval_of_agresti_and_min() -> None:
    """With one trial of each of many cases the difference has the adjusted Wald interval, a little wider."""
    counts = (
        [CaseCounts(1, 1, 0, 1)] * 10
        + [CaseCounts(0, 1, 1, 1)] * 30
        + [CaseCounts(1, 1, 1, 1)] * 100
        + [CaseCounts(0, 1, 0, 1)] * 60
    )
    found = difference(counts)
    b, c, n = 10.5, 30.5, 202
    centre, error = (c - b) / n, ((b + c) - (c - b) ** 2 / n) ** 0.5 / n
    assert found.estimate == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((centre - 1.96 * error, centre + 1.96 * error), abs=2e-3)


def test_one_case_gives_the_interval_of_agresti_and_caffo() -> None:
    """With one case the difference has the interval for independent shares with a success and a failure added."""
    found = difference([CaseCounts(60, 100, 80, 100)])
    one, other = 61 / 102, 81 / 102
    error = (one * (1 - one) / 102 + other * (1 - other) / 102) ** 0.5
    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx(
        (other - one - 1.959964 * error, other - one + 1.959964 * error), abs=1e-6
    )


def test_trials_of_one_case_tell_little_of_other_cases() -> None:
    """Ten cases that always do the same are ten observations for other cases, however often each is repeated."""
    same = clustered([(100, 100)] * 6 + [(0, 100)] * 4)
    assert same is not None
    assert same == pytest.approx(wilson(6, 10), abs=0.01)
    mixed = clustered([(60, 100)] * 10)
    assert mixed is not None
    assert mixed.high - mixed.low > wilson(600, 1000).high - wilson(600, 1000).low
    assert clustered([(1, 2)] * 9) is None
