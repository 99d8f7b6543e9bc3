"""Metrics of how long the executions of steps take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_metrics.clock import DrivenClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.metrics import RecordedRun

__all__ = ["StepLatencyP50", "StepLatencyP95", "latencies", "percentile"]


def latencies(run: RecordedRun) -> list[float]:
    """Return the driven seconds of each execution of a step that came to its end, in the order of their ends.

    An execution goes from its first attempt to the end of its last, with its gates and the waiting between attempts.
    A step that was skipped has none, and a step with for_each has those of its items.
    """
    clock = DrivenClock()
    began: dict[str | None, tuple[int, float]] = {}
    found = []
    for event in run.events:
        now = clock.read(event)
        if event.type == "step.start":
            occurrence = event.data.get("occurrence", 0)
            if began.get(event.step, (None,))[0] != occurrence:  # else it goes on after a crash
                began[event.step] = (occurrence, now)
        elif event.type in ("step.complete", "step.error") and event.step in began:
            found.append(max(0.0, now - began.pop(event.step)[1]))
    return found


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which a share of the values lies, interpolated between its neighbours.

    Args:
        values: In any order; None is returned when there are none.
        share: 0 to 1; 0.5 gives the median.
    """
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class _StepLatency:
    """A percentile of the executions' seconds; None when none has come to its end."""

    unit = "seconds"
    better = "lower"
    share = 0.5

    def measure(self, run: RecordedRun) -> float | None:
        """Return it."""
        found = percentile(latencies(run), self.share)
        return None if found is None else round(found, 6)


class StepLatencyP50(_StepLatency):
    """The median."""


class StepLatencyP95(_StepLatency):
    """What 95 % of the executions stay within."""

    share = 0.95
