"""What each built-in stop condition checks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.expressions import Expression, ExpressionError, parse_expression
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import End, EndReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loopengt_hookspecs.models import LoopSpec, StopCondition
    from loopengt_hookspecs.registration import PluginContext
    from loopengt_hookspecs.stop_conditions import Progress, StopRule

__all__ = ["DEFAULT_STOP_FILE", "Custom", "GoalMet", "Manual", "MaxTurns", "QualityThreshold", "Timeout"]

DEFAULT_STOP_FILE = ".loopengt/stop"
"""The file that ends runs with a ``manual`` condition, below the project folder."""


class MaxTurns:
    """``value`` turns and no more."""

    def bind(self, condition: StopCondition, spec: LoopSpec) -> StopRule:
        """Make the rule."""
        return _MaxTurns(int(_number(condition, "a whole number of turns", whole=True)))


@dataclass(frozen=True, slots=True)
class _MaxTurns:
    limit: int

    def check(self, progress: Progress) -> End | None:
        limit = self.limit + progress.added.get("turns", 0)
        if progress.turn < limit:
            return None
        return End(
            EndReason.EXHAUSTED,
            f"stop condition max_turns: {limit:g} turn{' was' if limit == 1 else 's were'} taken",
        )


class Timeout:
    """``value`` seconds of driven time; a step under way is cancelled when they are over."""

    def bind(self, condition: StopCondition, spec: LoopSpec) -> StopRule:
        """Make the rule."""
        return _Timeout(_number(condition, "a number of seconds"))


@dataclass(frozen=True, slots=True)
class _Timeout:
    time_limit: float

    def check(self, progress: Progress) -> End | None:
        limit = self.time_limit + progress.added.get("seconds", 0)
        if progress.elapsed < limit:
            return None
        return End(EndReason.EXHAUSTED, f"stop condition timeout: {limit:g} seconds are over")


class GoalMet:
    """``value`` is an expression; just true means that all steps completed and their gates passed."""

    def bind(self, condition: StopCondition, spec: LoopSpec) -> StopRule:
        """Make the rule."""
        value = condition.value
        if (
            value is None
            or value is True
            or (isinstance(value, str) and value.strip().lower() in ("", "true"))
        ):
            return _GoalReached()
        return _GoalExpression(_expression(condition))


@dataclass(frozen=True, slots=True)
class _GoalReached:
    def check(self, progress: Progress) -> End | None:
        if not progress.goal_reached:
            return None
        return End(EndReason.GOAL_MET, "all steps completed and their gates passed")


@dataclass(frozen=True, slots=True)
class _GoalExpression:
    expression: Expression

    def check(self, progress: Progress) -> End | None:
        # Before the first turn there is nothing to have met a goal, and no result to ask about.
        if progress.turn == 0 or progress.failed_gates or not _holds(self.expression, progress):
            return None
        return End(EndReason.GOAL_MET, f"goal_met: {self.expression.text}")


class QualityThreshold:
    """The last output holds a ``score`` or ``quality`` of at least ``value``."""

    def bind(self, condition: StopCondition, spec: LoopSpec) -> StopRule:
        """Make the rule."""
        return _QualityThreshold(_number(condition, "a score"))


@dataclass(frozen=True, slots=True)
class _QualityThreshold:
    threshold: float

    def check(self, progress: Progress) -> End | None:
        if progress.failed_gates:
            return None
        score = _score(progress.last_output)
        if score is None or score < self.threshold:
            return None
        return End(
            EndReason.GOAL_MET, f"quality_threshold: the last score is {score:g} of {self.threshold:g}"
        )


class Manual:
    """A person ends all runs of the loop by making a file; a single one ends with ``loopengt stop RUN``, too.

    ``value`` is the file's path below the project. It is the person's: nothing here deletes it.

    Args:
        project: The project folder.
    """

    def __init__(self, project: Path) -> None:
        self._project = project

    @classmethod
    def from_context(cls, context: PluginContext) -> Manual:
        """Make the kind for a project."""
        return cls(context.project)

    def bind(self, condition: StopCondition, spec: LoopSpec) -> StopRule:
        """Make the rule."""
        name = _path_below(condition, DEFAULT_STOP_FILE)
        return _Manual(self._project / name, name)


@dataclass(frozen=True, slots=True)
class _Manual:
    path: Path
    name: str
    polled: ClassVar[bool] = True

    def check(self, progress: Progress) -> End | None:
        if not os.path.lexists(self.path):
            return None
        detail = f"stop condition manual: the file {self.name} is there; runs go on when it is removed"
        return End(EndReason.STOPPED, detail)


class Custom:
    """``value`` is an expression; the run is stopped, neither failed nor successful, when it holds."""

    def bind(self, condition: StopCondition, spec: LoopSpec) -> StopRule:
        """Make the rule."""
        return _Custom(_expression(condition), condition.description)


@dataclass(frozen=True, slots=True)
class _Custom:
    expression: Expression
    description: str

    def check(self, progress: Progress) -> End | None:
        if progress.turn == 0 or not _holds(self.expression, progress):
            return None
        return End(EndReason.STOPPED, f"stop condition custom: {self.description or self.expression.text}")


def _holds(expression: Expression, progress: Progress) -> bool:
    """Whether an expression is true; one that asks about an output that is not there yet is not."""
    scope = progress.scope()
    try:
        return expression.truth(scope)
    except ExpressionError:
        if any(_is_awaited(reference.path, scope) for reference in expression.references):
            return False
        raise


def _is_awaited(path: Sequence[str | int], scope: Mapping[str, Any]) -> bool:
    if path[0] in ("output", "result"):
        return path[0] not in scope
    if path[0] != "steps" or len(path) < 2:
        return False
    steps = scope["steps"]
    return path[1] in steps and steps[path[1]]["output"] is None


def _path_below(condition: StopCondition, default: str) -> str:
    """Return the path that a condition names, which must not lead out of the project."""
    value = default if condition.value is None else condition.value
    parts = value.split("/") if isinstance(value, str) else []
    name = "/".join(part for part in parts if part not in ("", "."))
    if not name or parts[0] == "" or ".." in parts or "\0" in name:
        raise UsageError(
            f"stop condition {condition.condition_type!r} has the value {value!r}",
            remedy=f"Give the path of a file below the project folder, such as `value: {default}`.",
        )
    return name


def _number(condition: StopCondition, what: str, *, whole: bool = False) -> float:
    value = condition.value
    fits = isinstance(value, int) if whole else isinstance(value, int | float)
    if isinstance(value, bool) or not fits or value <= 0:  # type: ignore[operator]  # a number, if it fits
        raise UsageError(
            f"stop condition {condition.condition_type!r} has the value {value!r}",
            remedy=f"Give {what} above 0, such as `value: 10`.",
        )
    return float(value)  # type: ignore[arg-type]  # checked above


def _expression(condition: StopCondition) -> Expression:
    if not isinstance(condition.value, str):
        raise UsageError(
            f"stop condition {condition.condition_type!r} has the value {condition.value!r}",
            remedy='Give an expression as text, such as `value: "steps.review.output.approved"`.',
        )
    return parse_expression(condition.value)


def _score(output: Any) -> float | None:
    if isinstance(output, dict):
        for key in ("score", "quality"):
            value = output.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    return None
