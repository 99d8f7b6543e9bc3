"""Metrics of a run's turns and steps, and of where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.models import StepStatus

if TYPE_CHECKING:
    from loopengt_hookspecs.metrics import RecordedRun

__all__ = ["CompletedSteps", "FailedSteps", "RunStatusMetric", "SuccessRate", "TotalSteps", "TotalTurns"]


def _with_status(run: RecordedRun, status: StepStatus) -> int:
    return sum(step.status is status for step in run.state.step_states.values())


class RunStatusMetric:
    """Where the run stands: pending, running, paused, completed, failed or cancelled."""

    unit = ""
    better = None

    def measure(self, run: RecordedRun) -> str:
        """Return the status."""
        return run.state.status.value


class TotalTurns:
    """The turns of the run: executions of steps."""

    unit = ""
    better = "lower"

    def measure(self, run: RecordedRun) -> int:
        """Return the number of the last turn."""
        return run.state.turn


class TotalSteps:
    """The steps of the run: those that the loop declares, also where they never began, and each item of a for_each."""

    unit = ""
    better = None

    def measure(self, run: RecordedRun) -> int:
        """Count them."""
        return len(run.state.step_states)


class CompletedSteps:
    """The steps whose last execution was completed; a skipped one was not."""

    unit = ""
    better = "higher"

    def measure(self, run: RecordedRun) -> int:
        """Count them."""
        return _with_status(run, StepStatus.COMPLETED)


class FailedSteps:
    """The steps whose last execution failed."""

    unit = ""
    better = "lower"

    def measure(self, run: RecordedRun) -> int:
        """Count them."""
        return _with_status(run, StepStatus.FAILED)


class SuccessRate:
    """The share of the steps that were completed, 0 to 1; 0 of a run without steps."""

    unit = "share"
    better = "higher"

    def measure(self, run: RecordedRun) -> float:
        """Divide the completed steps by all."""
        total = len(run.state.step_states)
        return _with_status(run, StepStatus.COMPLETED) / total if total else 0.0
