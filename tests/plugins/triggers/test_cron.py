"""Cron lines: what they name, also where the clocks are changed, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from loopengt_triggers.cron import parse_cron

BERLIN = ZoneInfo("Europe/Berlin")


def times(line: str, start: str, count: int, zone: str = "UTC") -> list[str]:
    """Return the next times, in the zone."""
    found, moment = [], datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    for _ in range(count):
        following = parse_cron(line).after(moment, ZoneInfo(zone))
        assert following is not None
        assert following > moment
        moment = following
        found.append(moment.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*/5 * * * *", ["03-02 12:05", "03-02 12:10"]),
        ("7-10/2,59 12 * * *", ["03-02 12:07", "03-02 12:09", "03-02 12:59"]),
        ("50/5 * * * *", ["03-02 12:50", "03-02 12:55", "03-02 13:50"]),
        ("0 7 * * mon-fri", ["03-03 07:00", "03-04 07:00", "03-05 07:00", "03-06 07:00", "03-09 07:00"]),
        ("0 0 * * 7", ["03-08 00:00"]),
        ("0 0 * * 5-7", ["03-06 00:00", "03-07 00:00", "03-08 00:00", "03-13 00:00"]),
        ("0 0 13 * fri", ["03-06 00:00", "03-13 00:00", "03-20 00:00"]),
        ("0 0 */2 * sun", ["03-15 00:00", "03-29 00:00"]),
        ("0 0 31 * *", ["03-31 00:00", "05-31 00:00"]),
        ("30 1 1 JAN *", ["01-01 01:30"]),
        ("0 0 29 feb *", ["02-29 00:00"]),
        ("@hourly", ["03-02 13:00"]),
        ("@daily", ["03-03 00:00"]),
    ],
)
def test_a_line_names_its_minutes(line: str, expected: list[str]) -> None:
    """Numbers, names, ranges, steps and lists are read, and of two restricted days either is enough."""
    assert times(line, "2026-03-02T12:00:30", len(expected)) == expected


@pytest.mark.parametrize(
    ("line", "start", "expected"),
    [
        ("30 2 * * *", "2026-03-28T12:00", ["03-29 03:00", "03-30 02:30"]),
        ("0 * * * *", "2026-03-29T00:30", ["03-29 01:00", "03-29 03:00"]),
        ("30 2 * * *", "2026-10-24T12:00", ["10-25 02:30", "10-26 02:30"]),
        ("*/30 * * * *", "2026-10-25T01:45", ["10-25 02:00", "10-25 02:30", "10-25 02:00", "10-25 02:30"]),
        ("0 3 * * *", "2026-03-28T12:00", ["03-29 03:00", "03-30 03:00"]),
    ],
)
def test_clocks_that_change(line: str, start: str, expected: list[str]) -> None:
    """What spring leaves out comes right after; what autumn has twice is had once, save by a line for every hour."""
    assert times(line, start, len(expected), "Europe/Berlin") == expected


def test_a_day_that_begins_late_is_not_lost() -> None:
    """Where midnight itself is left out, what is due then comes when the day begins."""
    assert times("0 0 * * *", "2024-04-24T12:00", 3, "Africa/Cairo") == [
        "04-25 00:00",
        "04-26 01:00",
        "04-27 00:00",
    ]


def test_a_day_that_there_never_is() -> None:
    """The 30th of February has no next time."""
    assert parse_cron("0 0 30 2 *").after(datetime(2026, 1, 1, tzinfo=UTC), UTC) is None


@given(
    minute=some.integers(0, 59),
    hour=some.integers(0, 23),
    moment=some.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
)
def test_a_daily_time_comes_daily(minute: int, hour: int, moment: datetime) -> None:
    """From any moment, also when the clocks change, five days have five times, a day apart, give or take 90 minutes."""
    line, found = parse_cron(f"{minute} {hour} * * *"), [moment.replace(tzinfo=UTC)]
    for _ in range(5):
        following = line.after(found[-1], BERLIN)
        assert following is not None
        found.append(following)
    assert all(
        abs((later - earlier).total_seconds() - 86_400) <= 5_400 for earlier, later in pairwise(found[1:])
    )
    assert len({each.astimezone(BERLIN).date() for each in found[1:]}) == 5


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("* * * *", "5 fields"),
        ("* * * * * *", "5 fields"),
        ("", "5 fields"),
        ("@reboot", "5 fields"),
        ("60 * * * *", "the minute '60' .* not within 0 to 59"),
        ("* 24 * * *", "the hour '24'"),
        ("* * 0 * *", "the day of the month '0'"),
        ("* * * 13 *", "the month '13'"),
        ("* * * * 8", "the day of the week '8'"),
        ("*/0 * * * *", "0 is not within 1"),
        ("5-1 * * * *", "5 comes after 1"),
        ("x * * * *", "'x' is no number"),
        ("* * * * foo", "no number and no name"),
        ("1,,2 * * * *", "'' is no number"),
        ("-1 * * * *", "'' is no number"),
        ("² * * * *", "is no number"),
        ("1" * 5_000 + " * * * *", "is no number"),
    ],
)
def test_what_cannot_be_read_is_refused(line: str, why: str) -> None:
    """The message names the field, and what is wrong with it."""
    with pytest.raises(ValueError, match=why):
        parse_cron(line)
