"""When a schedule is due next: clocks that are set and machines that sleep are seen to here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from loopengt_triggers.clock import Clock
    from loopengt_triggers.cron import CronLine

__all__ = ["CronTable", "EveryTable", "Timetable"]

SET_BACK_SECONDS = 3_600.0
"""By how much a clock can be set back before a cron line begins anew: below that, no time is had twice."""
_MOST_MISSED = 1_000
"""Most missed times that are counted."""


class Timetable(Protocol):
    """The times of a schedule."""

    def left(self) -> float:
        """Return the seconds until it is due; none or less: it is due."""

    def take(self) -> tuple[datetime, int]:
        """Go on to the next time; return when it was due, and how many times more have gone by."""


class EveryTable:
    """Intervals from the moment that it is made; the time of day may be set, they stay as long as they are.

    Args:
        period: Seconds of an interval.
        clock: What the time is.
    """

    def __init__(self, period: float, clock: Clock) -> None:
        self._period = period
        self._clock = clock
        self._due = clock.steady() + period

    def left(self) -> float:
        """Return the seconds until it is due."""
        return self._due - self._clock.steady()

    def take(self) -> tuple[datetime, int]:
        """Go on; the intervals keep their rhythm."""
        late = max(self._clock.steady() - self._due, 0.0)
        missed = int(late // self._period)
        self._due += (missed + 1) * self._period
        return self._clock.now() - timedelta(seconds=late), missed


class CronTable:
    """The times of a cron line.

    Args:
        line: The line.
        zone: The zone that it is read in.
        clock: What the time is.
    """

    def __init__(self, line: CronLine, zone: tzinfo, clock: Clock) -> None:
        self._line = line
        self._zone = zone
        self._clock = clock
        self._seen = clock.now(), clock.steady()
        self._due = line.after(clock.now(), zone)

    def left(self) -> float:
        """Return the seconds until it is due."""
        now = self._look()
        return float("inf") if self._due is None else (self._due - now).total_seconds()

    def take(self) -> tuple[datetime, int]:
        """Go on to the first time that is still to come."""
        now, due = self._look(), self._due
        assert due is not None, "it was due"
        missed, following = 0, self._line.after(due, self._zone)
        while following is not None and following <= now and missed < _MOST_MISSED:
            missed, following = missed + 1, self._line.after(following, self._zone)
        self._due = following if following is None or following > now else self._line.after(now, self._zone)
        return due, missed

    def _look(self) -> datetime:
        """Return the time of day, and begin anew when it was set back far."""
        now, steady = self._clock.now(), self._clock.steady()
        before, then = self._seen
        self._seen = now, steady
        back = (steady - then) - (now - before).total_seconds()
        if back > SET_BACK_SECONDS:
            self._due = self._line.after(now, self._zone)
        return now
