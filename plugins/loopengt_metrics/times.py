"""Metrics of how long a run took."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from loopengt_hookspecs.models import EndReason
from loopengt_metrics.clock import is_outside

if TYPE_CHECKING:
    from loopengt_hookspecs.metrics import RecordedRun

__all__ = ["DrivenSeconds", "TimeToGoal", "TotalDuration"]


class TotalDuration:
    """Seconds from the run's start to its end, pauses included; of one that has not ended, to its last event."""

    unit = "seconds"
    better = "lower"

    def measure(self, run: RecordedRun) -> float:
        """Subtract the times."""
        ended = run.state.completed_at
        if ended is None:
            last = next((event.at for event in reversed(run.events) if not is_outside(event)), None)
            if last is None:
                return 0.0
            ended = datetime.fromtimestamp(last, UTC)
        return round(max(0.0, (ended - run.state.started_at).total_seconds()), 6)


class DrivenSeconds:
    """Seconds that the run was driven: pauses, and the time after a crash, are left out."""

    unit = "seconds"
    better = "lower"

    def measure(self, run: RecordedRun) -> float:
        """Return what the journal comes to."""
        return round(run.elapsed, 6)


class TimeToGoal:
    """Seconds that the run was driven until its goal was met; None when it was not."""

    unit = "seconds"
    better = "lower"

    def measure(self, run: RecordedRun) -> float | None:
        """Return the driven time of a run that ended for this reason."""
        return round(run.elapsed, 6) if run.state.reason == EndReason.GOAL_MET else None
