"""What the operators, filters and tests of an expression do with JSON values, and what they refuse."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from loopengt._jsondata import describe, json_copy, plain

if TYPE_CHECKING:
    from types import UnionType

__all__ = ["ARITHMETIC", "COMPARISONS", "FILTERS", "TESTS", "Operation", "OperationError", "negate", "truthy"]

MAX_TEXT: Final = 1_000_000
"""Longest string, in characters, that an expression may make."""
MAX_ITEMS: Final = 100_000
"""Longest list that an expression may make."""
MAX_BITS: Final = 1024
"""Largest whole number, in bits, that an expression may make."""


class OperationError(ValueError):
    """An operation does not fit the values it is given."""


class Operation(NamedTuple):
    """A filter or test: the function, and how many arguments it takes beside the value."""

    call: Callable[..., Any]
    least: int = 0
    most: int = 0


def truthy(value: Any) -> bool:
    """Whether a value counts as true: all but null, false, 0, and what is empty."""
    return bool(len(value)) if isinstance(value, Mapping) else bool(value)


def negate(value: Any) -> Any:
    """The number with the other sign."""
    if not isinstance(value, int | float):
        raise OperationError(f"only a number can be negated, this is {describe(value)}")
    return -value


def _numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _strings(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _two(kind: type | UnionType, left: Any, right: Any) -> bool:
    return isinstance(left, kind) and isinstance(right, kind)


def _unfit(verb: str, left: Any, right: Any) -> NoReturn:
    raise OperationError(f"cannot {verb} {describe(left)} and {describe(right)}")


def _in_range(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise OperationError("the number is too large")
    elif value.bit_length() > MAX_BITS:
        raise OperationError("the number is too large")
    return value


def _compute(compute: Callable[..., Any], *numbers: Any) -> Any:
    try:
        return _in_range(compute(*numbers))
    except ZeroDivisionError:
        raise OperationError("division by zero") from None
    except OverflowError:
        raise OperationError("the number is too large") from None


def _add(left: Any, right: Any) -> Any:
    if _two(int | float, left, right):
        return _compute(operator.add, left, right)
    if _two(str, left, right):
        if len(left) + len(right) > MAX_TEXT:
            raise OperationError(f"the string is longer than {MAX_TEXT:,} characters")
        return left + right
    if _two(list | tuple, left, right):
        if len(left) + len(right) > MAX_ITEMS:
            raise OperationError(f"the list is longer than {MAX_ITEMS:,} items")
        return [*left, *right]
    _unfit("add", left, right)


def _arithmetic(verb: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if not _two(int | float, left, right):
            _unfit(verb, left, right)
        return _compute(compute, left, right)

    return apply


def _equal(left: Any, right: Any) -> bool:
    return bool(json_copy(left) == json_copy(right))


def _ordered(compute: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(left: Any, right: Any) -> bool:
        # Strict, so that a missing score (null) can neither pass nor fail a comparison by accident.
        if not (_two(int | float, left, right) or _two(str, left, right)):
            _unfit("compare", left, right)
        return compute(left, right)

    return apply


def _contained(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        if not isinstance(left, str):
            raise OperationError(f"only a string can be in a string, this is {describe(left)}")
        return left in right
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    if isinstance(right, list | tuple):
        wanted = json_copy(left)
        return any(wanted == json_copy(item) for item in right)
    raise OperationError(f"'in' needs a string, a list or a mapping, this is {describe(right)}")


def _length(value: Any) -> int:
    if isinstance(value, str | Mapping | list | tuple):
        return len(value)
    raise OperationError(f"{describe(value)} has no length")


def _on_text(change: Callable[..., Any]) -> Callable[..., Any]:
    def apply(value: Any, *arguments: Any) -> Any:
        if not _strings((value, *arguments)):
            raise OperationError(f"this filter or test needs strings, not {describe(value)}")
        return change(value, *arguments)

    return apply


def _split(value: str, separator: str | None = None) -> list[str]:
    if separator == "":
        raise OperationError("the separator is empty")
    return value.split(separator)


def _number(kind: type[int | float]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if isinstance(value, str | int | float):
            try:
                return _in_range(kind(value))
            except (ValueError, OverflowError):
                pass
        words = "a whole number" if kind is int else "a number"
        raise OperationError(f"{_shown(value)} cannot be read as {words}")

    return apply


def _shown(value: Any) -> str:
    return repr(value[:40]) if isinstance(value, str) else describe(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(_in_range(value))
    raise OperationError(f"{describe(value)} cannot be made a string")


def _round(value: Any, digits: Any = 0) -> Any:
    if not isinstance(value, int | float) or not isinstance(digits, int) or abs(digits) > 20:
        raise OperationError(f"cannot round {describe(value)}: round takes a number and up to 20 digits")
    return _compute(round, value, digits)


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise OperationError(f"this filter needs a list, not {describe(value)}")
    return [plain(item) for item in value]


def _sortable(value: Any) -> list[Any]:
    items = _items(value)
    if not (_numbers(items) or _strings(items)):
        raise OperationError("the list must hold only numbers or only strings")
    return items


def _end(index: int) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        items = value if isinstance(value, str) else _items(value)
        if not items:
            raise OperationError("it is empty")
        return items[index]

    return apply


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        items = _sortable(value)
        if not items:
            raise OperationError("the list is empty")
        return choose(items)

    return apply


def _sum(value: Any) -> Any:
    items = _items(value)
    if not _numbers(items):
        raise OperationError("the list must hold only numbers")
    return _compute(sum, items)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise OperationError(f"this filter needs a mapping, not {describe(value)}")
    return value


ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": _add,
    "-": _arithmetic("subtract", operator.sub),
    "*": _arithmetic("multiply", operator.mul),
    "/": _arithmetic("divide", operator.truediv),
    "//": _arithmetic("divide", operator.floordiv),
    "%": _arithmetic("divide", operator.mod),
}

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _contained,
    "not in": lambda left, right: not _contained(left, right),
}

FILTERS: Final[Mapping[str, Operation]] = {
    "abs": Operation(lambda value: abs(negate(value))),
    "count": Operation(_length),
    "first": Operation(_end(0)),
    "float": Operation(_number(float)),
    "int": Operation(_number(int)),
    "keys": Operation(lambda value: list(_mapping(value))),
    "last": Operation(_end(-1)),
    "length": Operation(_length),
    "lines": Operation(_on_text(str.splitlines)),
    "lower": Operation(_on_text(str.lower)),
    "max": Operation(_extreme(max)),
    "min": Operation(_extreme(min)),
    "round": Operation(_round, 0, 1),
    "sort": Operation(lambda value: sorted(_sortable(value))),
    "split": Operation(_on_text(_split), 0, 1),
    "string": Operation(_text),
    "sum": Operation(_sum),
    "trim": Operation(_on_text(str.strip)),
    "unique": Operation(lambda value: list(dict.fromkeys(_sortable(value)))),
    "upper": Operation(_on_text(str.upper)),
    "values": Operation(lambda value: list(_mapping(value).values())),
}
"""Filters by name; ``default`` is not among them, since it must see that a value is missing."""

TESTS: Final[Mapping[str, Operation]] = {
    "boolean": Operation(lambda value: isinstance(value, bool)),
    "endingwith": Operation(_on_text(str.endswith), 1, 1),
    "false": Operation(lambda value: value is False),
    "mapping": Operation(lambda value: isinstance(value, Mapping)),
    "none": Operation(lambda value: value is None),
    "number": Operation(lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "sequence": Operation(lambda value: isinstance(value, list | tuple)),
    "startingwith": Operation(_on_text(str.startswith), 1, 1),
    "string": Operation(lambda value: isinstance(value, str)),
    "true": Operation(lambda value: value is True),
}
"""Tests by name; ``defined`` and ``undefined`` are not among them, for the same reason."""
