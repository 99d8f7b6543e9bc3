"""Metrics of what a run has used, its child runs included."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_hookspecs.metrics import RecordedRun

__all__ = ["CostUsd", "Tokens", "UnknownCosts"]


class Tokens:
    """The tokens of all agents, and of judges in gates."""

    unit = "tokens"
    better = "lower"

    def measure(self, run: RecordedRun) -> int:
        """Return what the journal comes to."""
        return run.tokens


class CostUsd:
    """What is known of the cost, in US dollars; None when nothing is. ``unknown_costs`` says what is missing in it."""

    unit = "usd"
    better = "lower"

    def measure(self, run: RecordedRun) -> float | None:
        """Return what the journal comes to."""
        return round(run.cost_usd, 6) if run.cost_usd or not run.unknown_costs else None


class UnknownCosts:
    """The calls of agents whose cost nobody knows."""

    unit = ""
    better = None

    def measure(self, run: RecordedRun) -> int:
        """Return what the journal comes to."""
        return run.unknown_costs
