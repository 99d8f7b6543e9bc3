"""Says with which code an evaluation ends, and what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.cli.retyping import command_line
from loopengt_evals.suites.interrupts import INTERRUPTED
from loopengt_evals.suites.running import INTERRUPTED as BROKEN_OFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel
    from loopengt_evals.suites.analysis import Analysis
    from loopengt_evals.suites.comparing import Comparison
    from loopengt_evals.suites.results import EvaluationResult

__all__ = ["exit_code", "notes"]

_WORSE = _NO_VERDICT = 1
_NOT_REACHED = 3
_MOST_NOTES = 5


def exit_code(
    result: EvaluationResult, found: Analysis, comparison: Comparison | None, *, judged_by_baseline: bool
) -> int:
    """Return the exit code.

    130: interrupted. 1: worse than the baseline, or trials without a verdict. 3: a threshold is missed, or trials were
    left out; without thresholds and baseline also when a trial is no success. 0: everything else.

    Args:
        result: The evaluation.
        found: Its figures.
        comparison: Against a baseline; None: there is none.
        judged_by_baseline: Whether a baseline was saved or compared with.
    """
    if result.stopped == BROKEN_OFF:
        return INTERRUPTED
    if (comparison is not None and comparison.verdict == "worse") or found.errors:
        return _WORSE
    if found.missed or found.open or result.stopped:
        return _NOT_REACHED
    decided = bool(result.thresholds) or judged_by_baseline
    return 0 if decided or found.passed == found.judged else _NOT_REACHED


def notes(kernel: Kernel, result: EvaluationResult, found: Analysis, suite: str) -> Iterator[str]:
    """Yield what a person has to know: why it is not whole, and how to go on.

    Args:
        kernel: The project.
        result: The evaluation.
        found: Its figures.
        suite: The suite's file as it was named.
    """
    if result.stopped:
        yield f"Not all trials were run: {result.stopped}."
    yield from result.notes[:_MOST_NOTES]
    for missed in found.missed:
        yield f"Threshold missed: {missed}."
    if found.open or found.errors:
        words = ("eval", "suite", suite, "--resume", result.evaluation)
        yield f"To go on: {command_line(kernel, *words)}"
