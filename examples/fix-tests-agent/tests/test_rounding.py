"""Rounding and billing."""

import pytest

from timesheet.rounding import billed, round_up


def test_a_started_step_counts_whole() -> None:
    """One minute more is a step more."""
    assert round_up(1) == 15
    assert round_up(16) == 30
    assert round_up(7, step=6) == 12


def test_full_steps_stay() -> None:
    """Nobody pays for a step that was not started."""
    assert round_up(0) == 0
    assert round_up(30) == 30


def test_what_is_billed_is_rounded() -> None:
    """Fifty minutes count as a whole hour."""
    assert billed(50, 9000) == 9000


def test_a_step_is_positive() -> None:
    """Nothing can be rounded to steps of nothing."""
    with pytest.raises(ValueError, match="not positive"):
        round_up(10, step=0)
