"""Cron lines of five fields: which minutes they name, and which of them comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

__all__ = ["CronLine", "parse_cron"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MINUTE = timedelta(minutes=1)
_YEARS = 9
"""How far a time can be away: the 29th of February, over a year such as 2100 that has none."""


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    first: int = 0
    """Value of the first word."""


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of the week", 0, 7, _DAYS),
)


@dataclass(frozen=True, slots=True)
class CronLine:
    """The minutes that a line names, as cron reads it.

    Where both the day of the month and the day of the week are restricted, either is enough. When the clocks go
    forward, a line with certain hours has its time right after those that are left out; when they go back, a time
    that comes twice is had once. A line for every hour goes by the real time.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_hour: bool
    any_day: bool
    any_weekday: bool

    def after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """Return the first time after a moment, or None when there is none.

        Args:
            moment: An aware time.
            zone: The zone whose clocks the line is read by.

        Returns:
            The time, in UTC.
        """
        at = moment.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
        try:
            end = at.replace(year=at.year + _YEARS, day=min(at.day, 28))
            while at < end:
                local = at.astimezone(zone)
                if self._is_left_out_before(at, local, zone):
                    return at
                if not self._is_day(local):  # to the last hour of the day: it may have one less
                    at += timedelta(hours=max(22 - local.hour, 0), minutes=60 - local.minute)
                elif local.hour not in self.hours:
                    at += timedelta(minutes=60 - local.minute)
                elif local.minute not in self.minutes or (local.fold and not self.any_hour):
                    at += _MINUTE
                else:
                    return at
        except (ValueError, OverflowError):  # the end of the calendar
            pass
        return None

    def _is_day(self, local: datetime) -> bool:
        if local.month not in self.months:
            return False
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.any_day or self.any_weekday else (day or weekday)

    def _is_left_out_before(self, at: datetime, local: datetime, zone: tzinfo) -> bool:
        """Whether the clocks have just gone forward over a time of the line."""
        if self.any_hour:
            return False
        before = (at - _MINUTE).astimezone(zone)
        skipped = before.replace(tzinfo=None) + _MINUTE
        while skipped < local.replace(tzinfo=None):
            if skipped.minute in self.minutes and skipped.hour in self.hours and self._is_day(skipped):
                return True
            skipped += _MINUTE
        return False


def parse_cron(text: str) -> CronLine:
    """Read a line.

    Args:
        text: Five fields (minute, hour, day of the month, month, day of the week) of numbers, names, ``*``, ranges,
            steps and lists; or ``@hourly``, ``@daily``, ``@weekly``, ``@monthly``, ``@yearly``.

    Raises:
        ValueError: It cannot be read; the message says which field.
    """
    parts = _ALIASES.get(text.strip().lower(), text).split()
    if len(parts) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise ValueError(f"a cron line has 5 fields ({names}), found {len(parts)} in {text[:80]!r}")
    minutes, hours, days, months, weekdays = (
        _parse_field(part, field) for part, field in zip(parts, _FIELDS, strict=True)
    )
    return CronLine(
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),
        # As cron has it: a field that begins with a star restricts nothing, or is a step through everything.
        any_hour=parts[1].startswith("*"),
        any_day=parts[2].startswith("*"),
        any_weekday=parts[4].startswith("*"),
    )


def _parse_field(text: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, slash, step = part.partition("/")
        size = _number(step, field._replace(low=1), text) if slash else 1
        if span == "*":
            low, high = field.low, field.high
        else:
            first, dash, last = span.partition("-")
            low = _number(first, field, text)
            high = _number(last, field, text) if dash else field.high if slash else low
        if low > high:
            raise _wrong(text, field, f"{low} comes after {high}")
        found.update(range(low, high + 1, size))
    return frozenset(found)


def _number(text: str, field: _Field, whole: str) -> int:
    if text in field.words:
        return field.words.index(text) + field.first
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise _wrong(whole, field, f"{text!r} is no number" + (" and no name" if field.words else ""))
    number = int(text)
    if not field.low <= number <= field.high:
        raise _wrong(whole, field, f"{number} is not within {field.low} to {field.high}")
    return number


def _wrong(text: str, field: _Field, why: str) -> ValueError:
    return ValueError(f"the {field.name} {text[:40]!r} of the cron line cannot be read: {why}")
