"""How minutes are rounded before they are billed."""

from __future__ import annotations


def round_up(minutes: int, step: int = 15) -> int:
    """Round up to the next full step; what is full already stays as it is.

    Raises:
        ValueError: The step is not positive.
    """
    if step <= 0:
        raise ValueError(f"a step of {step} minutes is not positive")
    return (minutes // step + 1) * step


def billed(minutes: int, rate_per_hour: int) -> int:
    """Return what a duration costs, in cents, given a rate in cents."""
    return round_up(minutes) * rate_per_hour // 60
