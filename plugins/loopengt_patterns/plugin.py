"""Registers the built-in patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.patterns import Pattern
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_patterns(register: Register[Pattern]) -> None:
    """Register sequential, repeat and evaluator_optimizer."""
    register("sequential", "loopengt_patterns.sequential:sequential", summary="Steps in declaration order")
    register(
        "repeat", "loopengt_patterns.repeat:repeat", summary="All steps, lap after lap, until the gates pass"
    )
    register(
        "evaluator_optimizer",
        "loopengt_patterns.evaluator_optimizer:evaluator_optimizer",
        summary="Judge, improve, judge again, until the score is good enough",
    )
