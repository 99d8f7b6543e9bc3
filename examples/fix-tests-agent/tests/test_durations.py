"""Reading and writing durations."""

import pytest

from timesheet.durations import parse_duration, show_duration


def test_a_duration_may_look_like_a_clock() -> None:
    """Hours and minutes stand around a colon."""
    assert parse_duration("1:30") == 90
    assert parse_duration("0:05") == 5


def test_a_duration_may_name_its_units() -> None:
    """Hours alone, or hours and minutes, with a space or without."""
    assert parse_duration("2h") == 120
    assert parse_duration("1h30m") == parse_duration("1h 30m") == 90


def test_minutes_can_stand_alone() -> None:
    """Less than an hour needs no hours."""
    assert parse_duration("45m") == 45


@pytest.mark.parametrize("text", ["", "  ", "soon", "1:75", "90", "h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nothing, words, too many minutes and a bare number are errors."""
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_minutes_are_written_with_two_digits() -> None:
    """What is written can be read again."""
    assert show_duration(65) == "1:05"
    assert parse_duration(show_duration(600)) == 600
