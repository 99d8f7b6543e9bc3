"""The trigger ``schedule``: intervals and cron lines, on clocks that are set and machines that sleep."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from loopengt_hookspecs.models import LoopTrigger
from loopengt_triggers.schedule import ScheduleKind, ScheduleOptions, ScheduleTrigger

from .clocks import NOON, FakeClock


class Latest(Random):
    """Chance that always takes the end of the range."""

    def uniform(self, a: float, b: float) -> float:
        return b


def bound(clock: FakeClock, **config: Any) -> ScheduleTrigger:
    """Return the trigger of a declaration."""
    return ScheduleKind(clock, Latest()).bind(LoopTrigger(trigger_type="schedule", config=config), None)  # type: ignore[arg-type]


async def occasions(clock: FakeClock, count: int, **config: Any) -> list[tuple[str, int, str]]:
    """Return the first occasions: when they were due, how many were missed, and when they came."""
    found = []
    async for event in bound(clock, **config).occasions():
        assert set(event) == {"due", "missed"}
        found.append((event["due"][11:19], event["missed"], f"{clock.wall:%H:%M:%S}"))
        if len(found) == count:
            break
    return found


async def test_intervals_have_a_rhythm() -> None:
    """Each occasion is an interval after the one before."""
    found = await occasions(FakeClock(), 3, every="15m")
    assert found == [("12:15:00", 0, "12:15:00"), ("12:30:00", 0, "12:30:00"), ("12:45:00", 0, "12:45:00")]


async def test_at_start_is_at_once() -> None:
    """The first occasion comes without any wait; the next after an interval."""
    clock = FakeClock()
    assert await occasions(clock, 1, every=60, at_start=True) == [("12:00:00", 0, "12:00:00")]
    assert clock.slept == []
    assert await occasions(FakeClock(), 2, cron="0 * * * *", at_start=True) == [
        ("12:00:00", 0, "12:00:00"), ("13:00:00", 0, "13:00:00"),
    ]  # fmt: skip


@pytest.mark.parametrize("config", [{"every": "10m"}, {"cron": "*/10 * * * *"}])
async def test_what_a_sleeping_machine_missed_runs_once(config: dict[str, Any]) -> None:
    """After more than an hour asleep there is one occasion that counts the others, and then the rhythm of before."""
    clock = FakeClock()
    clock.happens = [lambda: clock.go_on(3_900)]
    found = await occasions(clock, 2, **config)
    assert found == [("12:10:00", 5, "13:05:15"), ("13:10:00", 0, "13:10:00")]


async def test_no_sleep_is_long() -> None:
    """The time is looked at often, since a sleep does not notice that the machine slept."""
    clock = FakeClock()
    await occasions(clock, 1, every="1h")
    assert max(clock.slept) <= 15


@pytest.mark.parametrize("seconds", [-7_200, 7_200, -86_400 * 400])
async def test_intervals_do_not_mind_clocks_that_are_set(seconds: float) -> None:
    """Whatever is done to the time of day, the interval is as long as it is."""
    clock = FakeClock()
    clock.happens = [lambda: clock.set(seconds)]
    before = clock.steady()
    await occasions(clock, 1, every="10m")
    assert clock.steady() - before == 600


async def test_times_are_not_had_twice_when_a_clock_is_set_back() -> None:
    """A clock that goes back by half an hour right after an occasion comes to the next one as if it had not."""
    clock = FakeClock()
    trigger = bound(clock, cron="*/10 * * * *").occasions()
    assert (await anext(trigger))["due"][11:16] == "12:10"
    clock.set(-1_800)
    assert (await anext(trigger))["due"][11:16] == "12:20"
    assert f"{clock.wall:%H:%M}" == "12:20"


async def test_a_clock_that_was_far_ahead_does_not_stop_the_schedule() -> None:
    """Set back by a year, the line goes by the new time."""
    clock = FakeClock()
    clock.happens = [lambda: clock.set(-86_400 * 365)]
    found = bound(clock, cron="*/10 * * * *").occasions()
    assert (await anext(found))["due"] == "2025-03-02T12:10:00+00:00"


async def test_the_times_are_those_of_the_zone() -> None:
    """Seven in the morning in Tokyo is ten at night in UTC."""
    found = await occasions(FakeClock(), 1, cron="0 7 * * *", timezone="Asia/Tokyo")
    assert found == [("22:00:00", 0, "22:00:00")]


async def test_jitter_comes_after_the_time() -> None:
    """An occasion comes up to so much later, and those that were due meanwhile are counted."""
    found = await occasions(FakeClock(), 2, every="10m", jitter="2m")
    assert found == [("12:10:00", 0, "12:12:00"), ("12:20:00", 0, "12:22:00")]
    late = await occasions(FakeClock(), 1, cron="* * * * *", jitter="2m30s")
    assert late == [("12:01:00", 2, "12:03:30")]


async def test_so_much_missed_that_nobody_counts_it() -> None:
    """A month of minutes is one occasion, found at once."""
    clock = FakeClock()
    clock.happens = [lambda: clock.go_on(86_400 * 30)]
    ((_, missed, _), (due, none, _)) = await occasions(clock, 2, cron="* * * * *")
    assert (missed, due, none) == (1_000, "12:01:00", 0)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"every": "90m"}, "every 1h30m"),
        ({"every": 2.5}, "every 2.5s"),
        ({"every": "1d", "at_start": True, "jitter": 30}, "every 1d, up to 30s later, and at once"),
        ({"cron": "0  7 * * *"}, "cron 0 7 * * * (UTC), next 2026-03-03 07:00"),
        (
            {"cron": "0 7 * * *", "timezone": "Europe/Berlin"},
            "cron 0 7 * * * (Europe/Berlin), next 2026-03-03 07:00",
        ),
    ],
)
def test_the_plan_says_when(config: dict[str, Any], words: str) -> None:
    """One line names the interval, or the line with its zone and the next time there."""
    assert bound(FakeClock(NOON), **config).plan() == words


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "either every or cron"),
        ({"every": 60, "cron": "* * * * *"}, "either every or cron"),
        ({"every": 0}, "greater than or equal to 1"),
        ({"every": "0s"}, "greater than or equal to 1"),
        ({"every": True}, "true is no duration"),
        ({"every": "soon"}, "'soon' is no duration"),
        ({"every": "5"}, "'5' is no duration"),
        ({"every": "5m5h"}, "no duration"),
        ({"every": "-5m"}, "no duration"),
        ({"every": float("inf")}, "finite|less than"),
        ({"every": "400d"}, "less than or equal"),
        ({"every": 60, "timezone": "Europe/Berlin"}, "timezone is for cron"),
        ({"cron": "61 * * * *"}, "the minute '61'"),
        ({"cron": "0 0 30 2 *"}, "never is"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"cron": "* * * * *", "timezone": "../../etc/passwd"}, "no time zone"),
        ({"cron": "* * * * *", "timezone": ""}, "no time zone"),
        ({"every": 60, "jitter": -1}, "greater than or equal to 0"),
        ({"every": 60, "overlap": "maybe"}, "'skip', 'queue' or 'parallel'"),
        ({"evry": 60}, "Extra inputs"),
    ],
)
def test_what_makes_no_schedule_is_refused(config: dict[str, Any], why: str) -> None:
    """Each misfit has words that say what is wrong."""
    with pytest.raises(ValidationError, match=why):
        ScheduleOptions.model_validate(config)
