"""Metrics of time and of what was used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopengt_metrics.latency import percentile

from .journal_kit import done, end, figures, reply, start, step

if TYPE_CHECKING:
    from pathlib import Path

PAUSE = (4.0, "loop.pause", None, {"reason": "approval_required"})
ANSWER = (900.0, "approval.decision", None, {"id": "q", "decision": "approved", "elapsed": 4.0})
RESUME = (1000.0, "loop.resume", None, {"elapsed": 4.0})
PAUSED_WITHIN_A_STEP = (
    start("a"),
    step(1, "a"),
    reply(3, "a"),
    PAUSE,
    ANSWER,
    RESUME,
    done(1002.0, "a"),
    end(1003.0, "goal_met"),
)


def test_pauses_count_in_the_total_only(tmp_path: Path) -> None:
    """A night of waiting for a person is in total_duration, not in driven_seconds, time_to_goal or latencies."""
    found = figures(tmp_path, *PAUSED_WITHIN_A_STEP)
    assert found["total_duration"] == 1003.0
    assert found["driven_seconds"] == found["time_to_goal"] == 7.0
    assert found["step_latency_p50"] == found["step_latency_p95"] == 5.0


def test_time_after_a_crash_is_nobodys(tmp_path: Path) -> None:
    """An execution that a crash cut short goes on when the run is resumed: what lay between is not its latency."""
    found = figures(
        tmp_path,
        *(start("a"), step(1, "a"), (2.0, "custom", "a", {})),
        (500.0, "loop.resume", None, {"elapsed": 2.0}),
        *(step(500.5, "a"), reply(502, "a"), done(503, "a"), end(503, "goal_met")),
    )
    assert found["step_latency_p50"] == 4.0
    assert found["driven_seconds"] == 5.0


def test_retries_are_part_of_an_execution(tmp_path: Path) -> None:
    """The latency of an execution goes from its first attempt to its end, the waiting between attempts included."""
    retry = (2.0, "step.retry", "a", {"attempt": 2, "reason": "error", "delay": 5.0})
    found = figures(
        tmp_path, start("a"), step(1, "a"), retry, step(7, "a", attempt=2), reply(8, "a"), done(9, "a")
    )
    assert found["step_latency_p50"] == 8.0


def test_what_was_skipped_or_is_open_has_no_latency(tmp_path: Path) -> None:
    """A skipped step, the sum of a for_each, and a step that has not come out yet are left out."""
    found = figures(
        tmp_path,
        *(start("a", "b", "c"), step(1, "a[0]"), reply(2, "a[0]"), done(3, "a[0]")),
        *(done(4, "a", items=["a[0]"]), done(5, "b", 2, skipped="no"), step(6, "c", 3)),
    )
    assert found["step_latency_p50"] == found["step_latency_p95"] == 2.0


def test_a_verdict_after_the_end_changes_no_time(tmp_path: Path) -> None:
    """What an evaluation writes behind the end of a run neither prolongs it nor moves its end."""
    score = {"judge": "x", "score": 1.0, "passed": True, "evaluation": "e", "elapsed": 7.0}
    late = (9000.0, "judge.score", None, score)
    before = figures(tmp_path, *PAUSED_WITHIN_A_STEP)
    assert figures(tmp_path, *PAUSED_WITHIN_A_STEP, late) == before


def test_a_run_that_rests_lasts_until_its_last_event(tmp_path: Path) -> None:
    """The total of a paused run ends with its pause, also when it was judged later."""
    score = {"judge": "x", "score": 1.0, "passed": True, "evaluation": "e", "elapsed": 4.0}
    found = figures(
        tmp_path, start("a"), step(1, "a"), reply(3, "a"), PAUSE, (700.0, "judge.score", None, score)
    )
    assert found["total_duration"] == found["driven_seconds"] == 4.0
    assert found["run_status"] == "paused"


@pytest.mark.parametrize("reason", ["nothing_to_do", "exhausted", "blocked", "stopped"])
def test_other_ends_have_no_time_to_goal(tmp_path: Path, reason: str) -> None:
    """Only a run that met its goal has a time to it."""
    assert figures(tmp_path, start("a"), end(3, reason))["time_to_goal"] is None


def test_a_clock_that_is_set_back_gives_no_negative_time(tmp_path: Path) -> None:
    """When the system's clock was set back within a step, the step took no time rather than less than none."""
    found = figures(tmp_path, start("a"), step(50, "a"), reply(10, "a"), done(11, "a"), end(12, "goal_met"))
    assert found["step_latency_p50"] == 0.0
    assert found["total_duration"] == 50.0


def test_a_cost_that_nobody_knows_is_not_zero(tmp_path: Path) -> None:
    """With no known cost cost_usd is None; with some it is what is known; unknown_costs tells how many are missing."""
    names = ("cost_usd", "unknown_costs", "tokens")
    unknown = reply(2, "a", cost_usd=None, token_usage={"total_tokens": 7})
    del unknown[3]["cost_usd"]
    found = figures(tmp_path, start("a"), step(1, "a"), unknown, done(3, "a"), names=names)
    assert list(found.values()) == [None, 1, 7]
    more = (step(3, "b", 2), reply(4, "b", cost_usd=0.25), done(5, "b", 2))
    found = figures(tmp_path, start("a", "b"), step(1, "a"), unknown, done(3, "a"), *more, names=names)
    assert list(found.values()) == [0.25, 1, 7]
    free = figures(tmp_path, start("a"), step(1, "a"), reply(2, "a"), done(3, "a"), names=names)
    assert list(free.values()) == [0.0, 0, 0]


def test_percentiles_are_interpolated_between_neighbours() -> None:
    """Known values: the median of an even number lies in the middle, the 95th percentile between the last two."""
    assert percentile([], 0.5) is None
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([float(value) for value in range(1, 12)], 0.95) == pytest.approx(10.5)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_among_the_values(values: list[float], share: float) -> None:
    """Any percentile lies between the least and the largest value, and grows with its share."""
    found = percentile(values, share)
    assert found is not None
    assert min(values) <= found <= max(values) * (1 + 1e-12)
    most = percentile(values, 1.0)
    assert most == max(values)
