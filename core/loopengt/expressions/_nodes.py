"""The parts that a parsed expression is made of: each is a function of the scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from loopengt._jsondata import MISSING, NotJsonError, known_keys, look, plain
from loopengt.errors import ExpressionError
from loopengt.expressions._values import OperationError, negate, truthy

__all__ = [
    "AbsentError",
    "Evaluate",
    "Pair",
    "applied",
    "both",
    "calculated",
    "choice",
    "compared",
    "constant",
    "defaulted",
    "defined",
    "either",
    "element",
    "listed",
    "negated",
    "path",
    "truth",
]

Evaluate: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""A part of an expression: takes the scope and returns a value."""


class AbsentError(ExpressionError):
    """The data does not hold what is looked up; ``default`` and ``is defined`` cope with that."""


class Pair(NamedTuple):
    """An operator with its right-hand side."""

    operator: Callable[[Any, Any], Any]
    operand: Evaluate
    column: int


def constant(value: Any) -> Evaluate:
    """A literal."""
    return lambda scope: value


def path(root: str, keys: tuple[str | int, ...], column: int) -> Evaluate:
    """A name of the scope, and the literal keys behind it."""

    def evaluate(scope: Mapping[str, Any]) -> Any:
        value = look(scope, root)
        if value is MISSING:
            raise AbsentError(f"there is no {root!r} here ({known_keys(scope)})", column=column)
        for index, key in enumerate(keys):
            found = look(value, key)
            if found is MISSING:
                raise _absent(key, ".".join(map(str, (root, *keys[:index]))), value, column)
            value = found
        return _plain(value, column)

    return evaluate


def element(node: Evaluate, key: Evaluate, column: int) -> Evaluate:
    """A look-up in a computed value, or with a computed key."""

    def evaluate(scope: Mapping[str, Any]) -> Any:
        value, wanted = node(scope), key(scope)
        if isinstance(wanted, bool) or not isinstance(wanted, str | int):
            raise ExpressionError("a key is a string or a whole number", column=column)
        found = look(value, wanted)
        if found is MISSING:
            raise _absent(wanted, "this value", value, column)
        return _plain(found, column)

    return evaluate


def listed(items: Sequence[Evaluate]) -> Evaluate:
    """A list written out."""
    return lambda scope: [item(scope) for item in items]


def choice(condition: Evaluate, value: Evaluate, otherwise: Evaluate) -> Evaluate:
    """``value if condition else otherwise``."""
    return lambda scope: value(scope) if truthy(condition(scope)) else otherwise(scope)


def either(operands: Sequence[Evaluate]) -> Evaluate:
    """``or``: the first true value, else the last."""

    def evaluate(scope: Mapping[str, Any]) -> Any:
        value = None
        for operand in operands:
            value = operand(scope)
            if truthy(value):
                break
        return value

    return evaluate


def both(operands: Sequence[Evaluate]) -> Evaluate:
    """``and``: the first value that is not true, else the last."""

    def evaluate(scope: Mapping[str, Any]) -> Any:
        value = None
        for operand in operands:
            value = operand(scope)
            if not truthy(value):
                break
        return value

    return evaluate


def truth(node: Evaluate, *, negated: bool = False) -> Evaluate:
    """Whether a value counts as true, or with ``negated`` as false."""
    return lambda scope: truthy(node(scope)) != negated


def compared(first: Evaluate, pairs: Sequence[Pair]) -> Evaluate:
    """Comparisons; a chain holds when each neighbouring pair does."""

    def evaluate(scope: Mapping[str, Any]) -> bool:
        left = first(scope)
        for operator, operand, column in pairs:
            right = operand(scope)
            if not _run(operator, (left, right), column):
                return False
            left = right
        return True

    return evaluate


def calculated(first: Evaluate, pairs: Sequence[Pair]) -> Evaluate:
    """Operators of one precedence level, from left to right."""

    def evaluate(scope: Mapping[str, Any]) -> Any:
        value = first(scope)
        for operator, operand, column in pairs:
            value = _run(operator, (value, operand(scope)), column)
        return value

    return evaluate


def negated(node: Evaluate, times: int, column: int) -> Evaluate:
    """A number behind one or more minus signs."""

    def evaluate(scope: Mapping[str, Any]) -> Any:
        value = _run(negate, (node(scope),), column)
        return value if times % 2 else -value

    return evaluate


def applied(call: Callable[..., Any], operands: Sequence[Evaluate], column: int) -> Evaluate:
    """A filter or test of a value and its arguments."""
    return lambda scope: _run(call, [operand(scope) for operand in operands], column)


def defaulted(node: Evaluate, otherwise: Evaluate) -> Evaluate:
    """``value|default(otherwise)``."""

    def evaluate(scope: Mapping[str, Any]) -> Any:
        try:
            return node(scope)
        except AbsentError:
            return otherwise(scope)

    return evaluate


def defined(node: Evaluate, *, negated: bool) -> Evaluate:
    """``value is defined``."""

    def evaluate(scope: Mapping[str, Any]) -> bool:
        try:
            node(scope)
        except AbsentError:
            return negated
        return not negated

    return evaluate


def _run(call: Callable[..., Any], values: Sequence[Any], column: int) -> Any:
    try:
        return call(*values)
    except (NotJsonError, OperationError) as problem:
        raise ExpressionError(str(problem), column=column) from None


def _plain(value: Any, column: int) -> Any:
    try:
        return plain(value)
    except NotJsonError as problem:
        raise ExpressionError(str(problem), column=column) from None


def _absent(key: str | int, where: str, value: Any, column: int) -> AbsentError:
    return AbsentError(f"{where} has no {key!r} ({known_keys(value)})", column=column)
