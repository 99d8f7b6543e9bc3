"""The gate kind ``expression``: a condition on the step's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.expressions import ExpressionError, parse_expression
from loopengt_gates.text import shown_value
from loopengt_hookspecs.gates import GateVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.gates import GateRequest
    from loopengt_hookspecs.models import VerificationGate

__all__ = ["ExpressionGate", "ExpressionGates"]


class ExpressionGates:
    """Makes gates that evaluate an expression."""

    def bind(self, gate: VerificationGate, project: Path) -> ExpressionGate:
        """Parse the gate's condition.

        Raises:
            ExpressionError: It is not an expression.
        """
        return ExpressionGate(gate.condition)


class ExpressionGate:
    """Passes when the expression is true; one that has no value fails.

    Args:
        condition: The expression.

    Raises:
        ExpressionError: It is not an expression.
    """

    pure = True

    def __init__(self, condition: str) -> None:
        self._expression = parse_expression(condition)

    def plan(self) -> str:
        """The condition."""
        return f"check that {' '.join(self._expression.text.split())}"

    def missing(self) -> list[MissingRequirement]:
        """Nothing: an expression needs no more than itself."""
        return []

    async def check(self, request: GateRequest) -> GateVerdict:
        """Evaluate the expression."""
        scope = request.scope()
        proof: dict[str, Any] = {"expression": self._expression.text}
        try:
            passed = self._expression.truth(scope)
        except ExpressionError as error:
            return GateVerdict(False, f"{error}{self._values(scope)}", proof | {"error": error.message})
        proof["value"] = passed
        if passed:
            return GateVerdict(True, proof=proof)
        return GateVerdict(
            False, f"The condition is not met: {self._expression.text}{self._values(scope)}", proof
        )

    def _values(self, scope: Mapping[str, Any]) -> str:
        """What the expression looks up, a line each; of a path that leads nowhere, the part that is there."""
        lines = {}
        for reference in self._expression.references:
            path, value = _follow(reference.path, scope)
            if path:
                lines[_shown_path(path)] = shown_value(value)
        return "".join(f"\n  {path} = {value}" for path, value in lines.items())


def _follow(path: tuple[str | int, ...], scope: Mapping[str, Any]) -> tuple[tuple[str | int, ...], Any]:
    value: Any = scope
    for depth, key in enumerate(path):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return path[:depth], value
    return path, value


def _shown_path(path: tuple[str | int, ...]) -> str:
    parts = [str(path[0])]
    parts += [f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]" for key in path[1:]]
    return "".join(parts)
