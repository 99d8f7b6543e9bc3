"""Reads the number by which a loop measures its progress."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from loopengt.expressions import Expression, parse_expression
from loopengt.processes import base_environment, run_program
from loopengt_hookspecs.errors import LoopengtError
from loopengt_hookspecs.models import Direction, StepResult
from loopengt_local.scope import RunScope, StepScope

if TYPE_CHECKING:
    from loopengt_hookspecs.models import ProgressMetric
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.run import LocalRun

__all__ = ["Metric", "last_number"]

_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?!\.?\d)"
)

Reading = tuple[float | None, str]
"""A value, or None and why there is none."""


class Metric:
    """A number that has to move, and which way.

    Args:
        declared: The metric as declared.
        expression: Its expression, parsed; None: it is a command.
    """

    def __init__(self, declared: ProgressMetric, expression: Expression | None) -> None:
        self._declared = declared
        self._expression = expression
        self._sign = 1 if declared.direction is Direction.UP else -1

    @classmethod
    def of(cls, declared: ProgressMetric) -> Metric:
        """Bind a metric.

        Raises:
            ExpressionError: Its expression is none.
        """
        return cls(declared, parse_expression(declared.expression) if declared.expression.strip() else None)

    def is_progress(self, value: float, best: float) -> bool:
        """Whether a value is better than the best so far by more than ``min_change``."""
        return (value - best) * self._sign > self._declared.min_change

    def better(self, one: float | None, other: float | None) -> float | None:
        """Return the better of two values; None stands for no value."""
        known = [value for value in (one, other) if value is not None]
        return max(known, key=lambda value: value * self._sign) if known else None

    async def read(
        self,
        run: LocalRun,
        step: CompiledStep,
        attempt: int,
        names: Mapping[str, Any],
        response: Mapping[str, Any] | None,
    ) -> Reading:
        """Read the metric after an attempt.

        Args:
            run: The run.
            step: The step of the attempt.
            attempt: The attempt's number.
            names: Names that expressions see beside those of the run.
            response: Data of the attempt's ``agent.response`` event; None: the agent failed.
        """
        if self._expression is None:
            return await self._run(run, step, attempt)
        result = None
        given = dict(names)
        if response is not None:
            result = StepResult(
                output=response.get("output"),
                duration_seconds=response.get("duration", 0.0),
                token_usage=response.get("token_usage", {}),
                metadata=response.get("metadata", {}),
            )
            given["steps"] = _Steps(run, step.name, result.output)
        try:
            return _as_number(self._expression.evaluate(RunScope(run, given, result=result)))
        except LoopengtError as exc:
            return None, exc.message

    async def _run(self, run: LocalRun, step: CompiledStep, attempt: int) -> Reading:
        declared = self._declared
        environment = base_environment() | {
            "LOOPENGT_RUN_ID": run.run_id,
            "LOOPENGT_STEP": step.name,
            "LOOPENGT_ATTEMPT": str(attempt),
            "LOOPENGT_WORKSPACE": str(run.workspace),
        }
        try:
            result = await run_program(
                declared.command or "", cwd=run.workspace, env=environment, timeout=declared.timeout_seconds
            )
        except LoopengtError as exc:
            return None, exc.message
        if result.timed_out:
            return None, f"its command took more than {declared.timeout_seconds:g} seconds"
        if result.exit_code != 0:
            return None, f"its command ended with {result.ending}"
        value = last_number(result.out.text)
        return (value, "") if value is not None else (None, "the last line of its command has no number")


def last_number(text: str) -> float | None:
    """Return the last number on the last line that is not blank; None without one."""
    lines = text.rstrip().splitlines()
    found = _NUMBER.findall(lines[-1]) if lines else []
    value = float(found[-1].replace(",", "")) if found else float("nan")
    return value if isfinite(value) else None


def _as_number(value: Any) -> Reading:
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = "null" if value is None else f"a {type(value).__name__}"
        return None, f"its expression gives {kind}, not a number"
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    return (number, "") if isfinite(number) else (None, "its expression gives no finite number")


class _Steps(StepScope):
    """``steps`` as they are once the attempt that is measured is recorded."""

    def __init__(self, run: LocalRun, step: str, output: Any) -> None:
        super().__init__(run)
        self._step = step
        self._output = output

    def __getitem__(self, name: str) -> dict[str, Any]:
        known = super().__getitem__(name)
        return known | {"output": self._output, "error": None} if name == self._step else known
