"""The trigger ``schedule``: at intervals, or at the times of a cron line."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from loopengt_hookspecs.models import TriggerOptions, utc_now
from loopengt_triggers.clock import SLICE_SECONDS, Clock, SystemClock
from loopengt_triggers.cron import parse_cron
from loopengt_triggers.durations import Seconds, written
from loopengt_triggers.timetables import CronTable, EveryTable, Timetable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopTrigger

__all__ = ["ScheduleKind", "ScheduleOptions", "ScheduleTrigger"]

_YEAR = 366 * 86_400.0


class ScheduleOptions(TriggerOptions):
    """Options of the trigger ``schedule``."""

    every: Seconds | None = Field(
        default=None, ge=1, le=_YEAR, description="The interval: seconds, or a text such as 15m or 1h30m."
    )
    cron: str | None = Field(
        default=None,
        description="The times, as a cron line: minute, hour, day of the month, month, day of the week.",
        examples=["*/5 * * * *", "0 7 * * mon-fri"],
    )
    timezone: str = Field(
        default="UTC", description="The zone of the cron line, such as Europe/Berlin.", examples=["UTC"]
    )
    jitter: Seconds = Field(
        default=0.0, ge=0, le=86_400, description="Each occasion comes up to so much later, by chance."
    )
    at_start: bool = Field(default=False, description="Whether the first occasion is at once.")

    @field_validator("cron")
    @classmethod
    def _can_be_read(cls, line: str | None) -> str | None:
        if line is not None and parse_cron(line).after(utc_now(), ZoneInfo("UTC")) is None:
            raise ValueError(f"the cron line {line!r} names a day that there never is")
        return line

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            raise ValueError(
                f"there is no time zone {name[:60]!r} here: write a name such as Europe/Berlin, and where the system "
                "has no zones: pip install tzdata"
            ) from None
        return name

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.every is None) == (self.cron is None):
            raise ValueError("a schedule has either every or cron")
        if self.every is not None and "timezone" in self.model_fields_set and self.timezone != "UTC":
            raise ValueError("timezone is for cron: an interval is the same in every zone")
        return self


class ScheduleTrigger:
    """Waits for the next time, again and again.

    Args:
        options: When.
        clock: What the time is.
        random: Where the jitter comes from.
    """

    def __init__(self, options: ScheduleOptions, clock: Clock, random: Random) -> None:
        self._options = options
        self._clock = clock
        self._random = random

    def plan(self) -> str:
        """Say when."""
        options = self._options
        if options.cron is None:
            words = f"every {written(options.every or 0)}"
        else:
            due = parse_cron(options.cron).after(self._clock.now(), ZoneInfo(options.timezone))
            shown = f"{due.astimezone(ZoneInfo(options.timezone)):%Y-%m-%d %H:%M}" if due else "never"
            words = f"cron {' '.join(options.cron.split())} ({options.timezone}), next {shown}"
        if options.jitter:
            words += f", up to {written(options.jitter)} later"
        return f"{words}, and at once" if options.at_start else words

    def missing(self) -> list[MissingRequirement]:
        """Return nothing: it needs a clock only."""
        return []

    async def occasions(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield when it is time: ``due`` says when it was, ``missed`` how many times went by unseen."""
        table = self._timetable()
        if self._options.at_start:
            yield {"due": self._clock.now().isoformat(), "missed": 0}
        while True:
            await self._wait(table.left)
            if self._options.jitter:
                end = self._clock.steady() + self._random.uniform(0, self._options.jitter)
                await self._wait(lambda end=end: end - self._clock.steady())
            due, missed = table.take()
            yield {"due": due.isoformat(), "missed": missed}

    async def close(self) -> None:
        """Do nothing: it holds nothing."""

    def _timetable(self) -> Timetable:
        options = self._options
        if options.cron is None:
            return EveryTable(options.every or 0, self._clock)
        return CronTable(parse_cron(options.cron), ZoneInfo(options.timezone), self._clock)

    async def _wait(self, left: Any) -> None:
        while (seconds := left()) > 0:
            await self._clock.sleep(min(seconds, SLICE_SECONDS))


class ScheduleKind:
    """Makes the triggers.

    Args:
        clock: What the time is.
        random: Where the jitter comes from.
    """

    options = ScheduleOptions

    def __init__(self, clock: Clock | None = None, random: Random | None = None) -> None:
        self._clock = clock or SystemClock()
        self._random = random or Random()  # noqa: S311 - no secret

    def bind(self, trigger: LoopTrigger, project: Path) -> ScheduleTrigger:
        """Make the trigger of one loop."""
        return ScheduleTrigger(ScheduleOptions.model_validate(trigger.config), self._clock, self._random)
