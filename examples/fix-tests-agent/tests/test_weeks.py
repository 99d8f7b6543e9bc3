"""Sums by week."""

from datetime import date

from timesheet.weeks import Entry, minutes_by_week


def test_a_week_begins_on_monday() -> None:
    """Sunday and Monday are two weeks."""
    entries = [Entry(date(2025, 3, 10), 60), Entry(date(2025, 3, 9), 30), Entry(date(2025, 3, 3), 15)]
    assert minutes_by_week(entries) == {"2025-W10": 45, "2025-W11": 60}


def test_a_week_may_have_days_of_two_years() -> None:
    """The days around New Year's belong to one week, of the year that has most of it."""
    entries = [Entry(date(2024, 12, 30), 60), Entry(date(2025, 1, 2), 30), Entry(date(2024, 1, 1), 15)]
    assert minutes_by_week(entries) == {"2024-W01": 15, "2025-W01": 90}


def test_nothing_sums_up_to_nothing() -> None:
    """Without entries there are no weeks."""
    assert minutes_by_week([]) == {}
