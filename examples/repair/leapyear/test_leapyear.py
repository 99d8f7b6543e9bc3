"""Tests of the leap years."""

from leapyear.leapyear import days_in, is_leap


def test_every_fourth_year_is_a_leap_year() -> None:
    """The ordinary rule."""
    assert [year for year in range(2001, 2013) if is_leap(year)] == [2004, 2008, 2012]


def test_most_centuries_are_no_leap_years() -> None:
    """A century is a leap year only when 400 divides it."""
    assert [year for year in range(1700, 2500, 100) if is_leap(year)] == [2000, 2400]


def test_a_leap_year_has_one_day_more() -> None:
    """The length follows the rule."""
    assert [days_in(year) for year in (2023, 2024)] == [365, 366]
