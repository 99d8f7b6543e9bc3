"""How often at least one of k trials succeeds, and how often all of them do."""

from __future__ import annotations

from math import comb, prod

__all__ = ["pass_at", "pass_hat"]


def pass_at(trials: int, passed: int, k: int) -> float:
    """Estimate, without bias, how likely at least one of k trials succeeds (pass@k).

    Args:
        trials: Trials that were made, at least ``k``.
        passed: How many of them succeeded.
        k: How many trials one has.

    Raises:
        ValueError: There are fewer than ``k`` trials, or more successes than trials.
    """
    _check(trials, passed, k)
    if trials - passed < k:
        return 1.0
    return 1.0 - prod((trials - passed - i) / (trials - i) for i in range(k))


def pass_hat(trials: int, passed: int, k: int) -> float:
    """Estimate, without bias, how likely all of k trials succeed (pass^k).

    Args:
        trials: Trials that were made, at least ``k``.
        passed: How many of them succeeded.
        k: How many trials have to succeed.

    Raises:
        ValueError: There are fewer than ``k`` trials, or more successes than trials.
    """
    _check(trials, passed, k)
    return comb(passed, k) / comb(trials, k)


def _check(trials: int, passed: int, k: int) -> None:
    if not (1 <= k <= trials and 0 <= passed <= trials):
        raise ValueError(f"k is {k}, with {passed} successes among {trials} trials")
