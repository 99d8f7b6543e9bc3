"""Simulated evaluations: how often a difference is found that is there, and how often one that is not."""

from __future__ import annotations

import random

import pytest

from loopengt_evals.statistics.means import mean_interval
from loopengt_evals.statistics.proportions import MANY_CASES, CaseCounts, clustered, difference, exact_test

SHAPES = [(100, 1), (20, 5), (1, 100), (4, 25)]
"""Cases, and trials of each: always a hundred."""


def found(
    cases: int, trials: int, shares: tuple[float, float], tries: int, spread: float = 0.0
) -> tuple[float, float]:
    """Return how often the test tells two apart at 5 %, and how often the interval holds the true difference.

    Args:
        cases: Number of cases.
        trials: Trials of each, on either side.
        shares: How often either side succeeds.
        tries: Evaluations to simulate.
        spread: By how much some cases are easier for both, and others harder.
    """
    alarms = held = 0
    for seed in range(tries):
        source = random.Random(seed)
        counts, truth = [], 0.0
        for _ in range(cases):
            shift = source.uniform(-spread, spread)
            a, b = (min(1.0, max(0.0, share + shift)) for share in shares)
            truth += (b - a) / cases
            passed = [sum(source.random() < share for _ in range(trials)) for share in (a, b)]
            counts.append(CaseCounts(passed[0], trials, passed[1], trials))
        alarms += exact_test(counts) < 0.05
        interval = difference(counts)
        held += interval.low <= truth <= interval.high
    return alarms / tries, held / tries


@pytest.mark.parametrize(("cases", "trials"), SHAPES)
def test_60_is_told_from_80_percent_at_100_trials(cases: int, trials: int) -> None:
    """A loop that succeeds in 80 % is told from one with 60 % in at least three of four evaluations."""
    told, held = found(cases, trials, (0.6, 0.8), 200)
    assert told > 0.75
    assert held > 0.9


@pytest.mark.parametrize(("cases", "trials"), SHAPES)
@pytest.mark.parametrize("spread", [0.0, 0.35])
def test_60_is_not_told_from_60_percent(cases: int, trials: int, spread: float) -> None:
    """Two loops that are equally good are told apart in at most 5 % (and what chance adds), also on uneven cases."""
    told, held = found(cases, trials, (0.6, 0.6), 200, spread)
    assert told <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5
    assert held > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("cases", "trials"), [*SHAPES, (10, 3), (9, 1), (30, 2)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_the_error_rate_keeps_to_the_level(cases: int, trials: int, share: float) -> None:
    """Over many evaluations false alarms stay below 5 %, and intervals hold the truth in 95 % or nearly."""
    told, held = found(cases, trials, (share, share), 1_500, 0.2)
    assert told <= 0.05 + 2 * (0.05 * 0.95 / 1_500) ** 0.5
    assert held > (0.93 if cases > MANY_CASES or trials > 1 else 0.9)


@pytest.mark.parametrize(("a", "b"), [(2, 2), (8, 2), (2, 0.2)])
def test_ten_cases_speak_soberly_of_others(a: float, b: float) -> None:
    """The interval for other cases holds their true share nearly as often as it says, when ten cases differ much."""
    held, tries = 0, 600
    for seed in range(tries):
        source = random.Random(seed)
        shares = [source.betavariate(a, b) for _ in range(10)]
        found_ = clustered([(sum(source.random() < share for _ in range(20)), 20) for share in shares])
        assert found_ is not None
        held += found_.low <= a / (a + b) <= found_.high
    assert held / tries > (0.92 if b > 1 else 0.875)  # a share near to one leans; it was 0.86


@pytest.mark.slow
@pytest.mark.parametrize(("cases", "trials"), [(1, 20), (5, 5), (10, 5), (20, 1)])
def test_intervals_of_means_hold_the_mean_of_leaning_values(cases: int, trials: int) -> None:
    """Of values that lean as costs do, intervals from few of them hold the true mean nearly as often as they say."""
    held, tries = 0, 400
    for seed in range(tries):
        source = random.Random(seed)
        found_ = mean_interval([[source.expovariate(1) for _ in range(trials)] for _ in range(cases)])
        held += found_.low <= 1 <= found_.high
    assert held / tries > 0.9
