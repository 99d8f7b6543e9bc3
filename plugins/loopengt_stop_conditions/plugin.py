"""Registers the built-in stop conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.stop_conditions import StopConditionKind

_RULES = "loopengt_stop_conditions.rules"


@hookimpl
def loopengt_register_stop_conditions(register: Register[StopConditionKind]) -> None:
    """Register max_turns, timeout, goal_met, quality_threshold, manual and custom."""
    register("max_turns", f"{_RULES}:MaxTurns", summary="After so many turns: exhausted")
    register("timeout", f"{_RULES}:Timeout", summary="After so many seconds: exhausted")
    register("goal_met", f"{_RULES}:GoalMet", summary="When an expression holds and no gate fails: goal_met")
    register(
        "quality_threshold", f"{_RULES}:QualityThreshold", summary="When a score is high enough: goal_met"
    )
    register("manual", f"{_RULES}:Manual", summary="When a person makes a file, .loopengt/stop: stopped")
    register("custom", f"{_RULES}:Custom", summary="When an expression holds: stopped")
