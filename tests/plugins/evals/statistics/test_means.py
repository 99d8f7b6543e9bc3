"""Means: intervals and tests by drawing again, against what theory gives."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from loopengt_evals.statistics.means import CaseValues, mean_difference, mean_interval, permutation_test
from loopengt_evals.statistics.multiple import holm


def draws(seed: int, count: int, mean: float = 0.0) -> list[float]:
    """Return normal values."""
    source = random.Random(seed)
    return [source.gauss(mean, 1) for _ in range(count)]


def test_the_same_values_give_the_same_interval() -> None:
    """The draws are seeded, so that a report does not change from one time to the next."""
    cases = [draws(seed, 5) for seed in range(20)]
    assert mean_interval(cases) == mean_interval(cases)


def test_an_interval_of_a_mean_is_near_to_the_normal_one() -> None:
    """Of 400 normal values in one case the interval reaches about 1.96 standard errors to each side."""
    values = draws(1, 400)
    found = mean_interval([values])
    assert found.estimate == pytest.approx(fmean(values))
    assert found.high - found.low == pytest.approx(2 * 1.96 / 20, rel=0.12)


def test_whole_cases_are_drawn_where_there_are_many() -> None:
    """Repeating trials that do the same does not make the interval narrower."""
    once = [[value] for value in draws(2, 30)]
    often = [case * 10 for case in once]
    assert mean_interval(often).high == pytest.approx(mean_interval(once).high)


def test_single_trials_of_few_cases_vary_between_the_cases() -> None:
    """With one trial of each of a few cases the interval is that of the cases, and no point."""
    assert mean_interval([[1.0], [2.0], [3.0]]).low < 1.9
    found = mean_difference([CaseValues([1.0], [2.0]), CaseValues([1.0], [4.0]), CaseValues([2.0], [2.0])])
    assert found.low < found.estimate < found.high


def test_values_that_are_all_the_same_have_no_spread() -> None:
    """A constant has the interval of itself alone, and no difference from itself."""
    assert mean_interval([[3.0, 3.0], [3.0]]) == (3.0, 3.0, 3.0)
    assert permutation_test([CaseValues([3.0], [3.0])]) == 1.0


def test_pairing_shows_what_differences_between_cases_would_hide() -> None:
    """Cases that cost very different amounts do not hide that each costs a little more."""
    cases = [
        CaseValues([float(base)], [base + 0.5 + noise / 10])
        for base, noise in zip(range(0, 300, 10), draws(3, 30), strict=True)
    ]
    found = mean_difference(cases)
    assert 0.4 < found.low < found.estimate < found.high < 0.6
    assert permutation_test(cases) < 0.01


def test_few_trials_of_one_case_are_compared_within_it() -> None:
    """Two samples of one case are told apart when they differ by three deviations, and not when they do not."""
    assert permutation_test([CaseValues(draws(4, 20), draws(5, 20, 3))]) < 0.01
    assert permutation_test([CaseValues(draws(4, 20), draws(6, 20))]) > 0.05


def test_very_many_values_are_approximated() -> None:
    """Where drawing would take too long, the normal approximation gives nearly the same."""
    cases = [CaseValues([a], [b]) for a, b in zip(draws(7, 6_000), draws(8, 6_000, 0.05), strict=True)]
    found = mean_difference(cases)
    assert found.high - found.low == pytest.approx(2 * 1.96 * (2 / 6_000) ** 0.5, rel=0.05)
    assert permutation_test(cases) == pytest.approx(0.01, abs=0.05)
    assert mean_interval([[value] for value in draws(9, 6_000)]).high == pytest.approx(0.025, abs=0.03)


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_the_level_says() -> None:
    """Two samples of the same distribution are told apart in about 5 % of all tries, and so are skewed ones."""
    for draw in (lambda r: r.gauss(0, 1), lambda r: r.expovariate(1)):
        alarms = 0
        for seed in range(150):
            r = random.Random(seed)
            cases = [CaseValues([draw(r)], [draw(r)]) for _ in range(20)]
            alarms += permutation_test(cases) < 0.05
        assert alarms <= 15


def test_holm_adjusts_as_in_his_example() -> None:
    """The smallest is multiplied by how many there are, the next by one less, and none is below the one before."""
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({"a": 0.9, "b": 0.8})["a"] == 1.0
    assert holm({}) == {}
