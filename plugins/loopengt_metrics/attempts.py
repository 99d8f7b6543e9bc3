"""Metrics of what happened within the steps: retries, gates, calls of tools and requests to models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_hookspecs.metrics import RecordedRun

__all__ = ["GatePassRate", "ModelRequests", "Retries", "ToolCalls"]


def _count(run: RecordedRun, kind: str) -> int:
    return sum(event.type == kind for event in run.events)


class Retries:
    """The attempts that were made anew, after an error or a failed gate. Waiting for a rate limit makes none."""

    unit = ""
    better = "lower"

    def measure(self, run: RecordedRun) -> int:
        """Count them."""
        return sum(
            event.type == "step.retry" and event.data.get("reason") != "rate_limit" for event in run.events
        )


class GatePassRate:
    """The share of the gates' verdicts that were a pass, 0 to 1; None when no gate was checked."""

    unit = "share"
    better = "higher"

    def measure(self, run: RecordedRun) -> float | None:
        """Divide the passes by all verdicts."""
        passed, failed = _count(run, "gate.pass"), _count(run, "gate.fail")
        return passed / (passed + failed) if passed or failed else None


class ToolCalls:
    """The calls of tools that agents made, those of coding CLIs as far as they tell."""

    unit = ""
    better = "lower"

    def measure(self, run: RecordedRun) -> int:
        """Count them."""
        return _count(run, "tool.call")


class ModelRequests:
    """The requests to models, also those that failed, and those of judges in gates."""

    unit = ""
    better = "lower"

    def measure(self, run: RecordedRun) -> int:
        """Count them."""
        return _count(run, "model.request")
