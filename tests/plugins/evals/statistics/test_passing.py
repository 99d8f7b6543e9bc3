"""pass@k and pass^k against enumeration."""

from __future__ import annotations

from itertools import combinations

import pytest

from loopengt_evals.statistics.passing import pass_at, pass_hat


@pytest.mark.parametrize(("trials", "passed", "k"), [(5, 2, 1), (5, 2, 3), (10, 3, 5), (6, 6, 4), (6, 0, 2)])
def test_both_are_what_all_choices_of_k_trials_give(trials: int, passed: int, k: int) -> None:
    """pass@k is the share of choices with a success, pass^k that of choices without a failure."""
    choices = list(combinations([1] * passed + [0] * (trials - passed), k))
    assert pass_at(trials, passed, k) == pytest.approx(sum(any(c) for c in choices) / len(choices))
    assert pass_hat(trials, passed, k) == pytest.approx(sum(all(c) for c in choices) / len(choices))


def test_one_trial_is_the_success_rate() -> None:
    """With k = 1 both are the share of successes."""
    assert pass_at(8, 3, 1) == pass_hat(8, 3, 1) == pytest.approx(3 / 8)


@pytest.mark.parametrize(("trials", "passed", "k"), [(3, 1, 4), (3, 4, 1), (3, 1, 0), (3, -1, 1)])
def test_what_cannot_be_estimated_is_refused(trials: int, passed: int, k: int) -> None:
    """More trials than there are, or impossible counts, are an error and no number."""
    with pytest.raises(ValueError, match="k is"):
        pass_at(trials, passed, k)
    with pytest.raises(ValueError, match="k is"):
        pass_hat(trials, passed, k)


def test_large_counts_do_not_overflow() -> None:
    """Ten thousand trials are no trouble."""
    assert pass_at(10_000, 5_000, 100) == pytest.approx(1.0)
    assert pass_hat(10_000, 9_999, 100) == pytest.approx(0.99)
