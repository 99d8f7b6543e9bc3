"""The suite that every metric passes; a metric's author subclasses it in a test module.

::

    from loopengt.testing import MetricContract

    class TestHandoffs(MetricContract):
        def make(self, folder):
            return Handoffs()
"""

from __future__ import annotations

import copy
from math import isfinite
from typing import TYPE_CHECKING, Any

from loopengt.testing.contracts.base import Contract, guarded, quick, require, rule, still
from loopengt.testing.contracts.recorded import begun, damaged, empty, finished, hostile_journal, interrupted

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.metrics import Metric, RecordedRun

__all__ = ["MetricContract"]

UNITS = ("", "seconds", "share", "tokens", "usd")


class MetricContract(Contract):
    """Every rule of ``loopengt_hookspecs.metrics.Metric`` as a test; override ``make(self, folder) -> Metric``."""

    @rule
    def test_unit_and_direction_are_known(self, metric: Metric, folder: Path) -> None:
        """``unit`` is seconds, tokens, usd, share or empty, and ``better`` is higher, lower or None."""
        known = ", ".join(repr(unit) for unit in UNITS)
        require(metric.unit in UNITS, f"the unit is {metric.unit!r}", f"Take one of {known}.")
        require(
            metric.better in ("higher", "lower", None),
            f"better is {metric.better!r}",
            "Say 'higher', 'lower' or None.",
        )

    @rule
    def test_a_finished_run_has_a_figure(self, metric: Metric, folder: Path) -> None:
        """Of a run that has ended the figure is a finite number, a word, or None."""
        _figure(metric, finished().measured(), "a finished run")

    @rule
    def test_a_run_that_goes_on_has_a_figure(self, metric: Metric, folder: Path) -> None:
        """At every place of a run, also before its first step and when it was lost, measuring raises nothing."""
        for run in (empty(), *begun(), interrupted()):
            _figure(metric, run.measured(), f"a run after {len(run.journal)} events")

    @rule
    def test_a_damaged_run_has_a_figure(self, metric: Metric, folder: Path) -> None:
        """Of a journal without its beginning, and without the loop, measuring raises nothing."""
        _figure(metric, damaged().measured(spec=None), "a damaged run")

    @rule
    def test_events_of_agents_do_no_harm(self, metric: Metric, folder: Path) -> None:
        """Events that agents added may hold anything; measuring raises nothing."""
        _figure(metric, finished().measured(events=hostile_journal()), "a run with odd events")

    @rule
    def test_a_share_is_a_share(self, metric: Metric, folder: Path) -> None:
        """A figure in ``share`` is from 0 to 1; one in seconds, tokens or dollars is not negative."""
        for run in (finished(), interrupted(), damaged()):
            value = _figure(metric, run.measured(), "a run")
            if value is None or not metric.unit:
                continue
            number = isinstance(value, int | float)
            require(
                number and value >= 0 and (metric.unit != "share" or value <= 1),
                f"the figure is {value!r}, and its unit {metric.unit!r}",
                "Give a number of that unit, or None.",
            )

    @rule
    def test_the_same_run_gives_the_same_figure(self, metric: Metric, folder: Path) -> None:
        """Measured twice, with other runs between, a run gives the same figure."""
        first = _figure(metric, finished().measured(), "a run")
        _figure(metric, interrupted().measured(), "another run")
        again = _figure(metric, finished().measured(), "a run")
        require(first == again, f"the figure was {first!r}, then {again!r}", "Compute it from the run alone.")

    @rule
    def test_the_run_stays_as_it_is(self, metric: Metric, folder: Path) -> None:
        """Measuring changes nothing of the run."""
        whole = finished()
        run = whole.measured(
            state=whole.state.model_copy(deep=True), events=copy.deepcopy(list(whole.journal))
        )
        _figure(metric, run, "a run")
        require(
            list(run.events) == list(whole.journal), "measuring changed the events", "Copy what you change."
        )
        require(run.state == whole.state, "measuring changed the state", "Copy what you change.")

    @rule
    def test_it_neither_blocks_nor_waits(self, metric: Metric, folder: Path) -> None:
        """A run of 5,000 events is measured within 3 seconds, without files, programs or a network."""
        journal = list(finished().journal) * (5000 // len(finished().journal) + 1)
        run = finished().measured(events=journal)
        _figure(metric, run, "a long run")
        with still("measure()", folder), quick("measuring a run of 5,000 events"):
            _figure(metric, run, "a long run")


def _figure(metric: Metric, run: RecordedRun, what: str) -> Any:
    with guarded(f"measuring {what}", remedy="Return None where the run does not say."):
        value = metric.measure(run)
    sound = value is None or isinstance(value, int | float | str)
    require(
        sound, f"the figure of {what} is a Python {type(value).__name__}", "Return a number, a word or None."
    )
    finite = not isinstance(value, float) or isfinite(value)
    require(finite, f"the figure of {what} is {value!r}", "Return None where there is no number.")
    return value
