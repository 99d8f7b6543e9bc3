"""Registers the built-in patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.patterns import Pattern
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_patterns(register: Register[Pattern]) -> None:
    """Register every pattern that comes with loopengt."""
    for name, summary in {
        "sequential": "Steps in declaration order",
        "parallel_fan_out": "Ready steps at the same time, as their dependencies allow",
        "supervisor_worker": "The first step decides which of the others comes next",
        "handoff": "Each agent hands its work to the next",
        "evaluator_optimizer": "Judge, improve, judge again, until the score is good enough",
        "repeat": "All steps, lap after lap, until the gates pass",
    }.items():
        register(name, f"loopengt_patterns.{name}:{name}", summary=summary)
