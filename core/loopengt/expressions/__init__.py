"""Conditions over JSON data: a small language in the manner of Jinja's expressions, which runs no code.

An expression looks names up (``output.score``, ``steps['my step'].output``), compares (``== != < <= > >=``,
``in``, chained as in Python), joins (``and or not``), calculates (``+ - * / // %``), chooses
(``a if b else c``), lists (``[1, 2]``), filters (``output|length``) and tests (``output.note is defined``).
It calls nothing, sees no attribute of any object, changes nothing, and its time and memory are bounded by its
own length and the size of the data. What is missing, or does not fit (``none > 1``), is an error and never a
verdict.

Filters: abs, count, default (d), first, float, int, keys, last, length, lines, lower, max, min, round, sort,
split, string, sum, trim, unique, upper, values.

Tests: boolean, defined, endingwith, false, mapping, none, number, sequence, startingwith, string, true,
undefined.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from loopengt._jsondata import NotJsonError, json_copy
from loopengt._references import Reference
from loopengt.errors import ExpressionError
from loopengt.expressions._parser import parse
from loopengt.expressions._values import truthy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt.expressions._nodes import Evaluate

__all__ = ["Expression", "ExpressionError", "Reference", "parse_expression"]

_SHOWN = 80


class Expression:
    """A parsed condition, made by ``parse_expression``. It keeps no state: threads can share it."""

    __slots__ = ("_evaluate", "references", "text")

    text: str
    """The expression as written."""
    references: tuple[Reference, ...]
    """Every look-up, in the order of the text."""

    def __init__(self, text: str, evaluate: Evaluate, references: tuple[Reference, ...]) -> None:
        self.text = text
        self.references = references
        self._evaluate = evaluate

    @property
    def roots(self) -> frozenset[str]:
        """The names that the expression takes from its scope."""
        return frozenset(str(reference.path[0]) for reference in self.references)

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """Return the value of the expression, as JSON data of its own.

        Args:
            scope: JSON data by name. Any mapping will do; only what the expression looks up is read, so it
                may be computed lazily.

        Raises:
            ExpressionError: A name or field is missing, or an operation does not fit its values.
        """
        try:
            return json_copy(self._value(scope))
        except NotJsonError as problem:
            raise self._failed(ExpressionError(str(problem))) from None

    def truth(self, scope: Mapping[str, Any]) -> bool:
        """Return whether the value counts as true: all but null, false, 0, and what is empty.

        Args:
            scope: As for ``evaluate``.

        Raises:
            ExpressionError: As for ``evaluate``; a value that is missing is never silently true or false.
        """
        return truthy(self._value(scope))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _value(self, scope: Mapping[str, Any]) -> Any:
        try:
            return self._evaluate(scope)
        except ExpressionError as error:
            raise self._failed(error) from None
        except RecursionError:
            raise self._failed(ExpressionError("it, or its data, is nested too deeply")) from None

    def _failed(self, error: ExpressionError) -> ExpressionError:
        text = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"
        return ExpressionError(
            f"the expression {text!r} has no value: {error.message}", column=error.column, remedy=error.remedy
        )


@lru_cache(maxsize=256)
def parse_expression(text: str) -> Expression:
    """Parse a condition.

    Args:
        text: The expression, at most 10,000 characters.

    Raises:
        ExpressionError: It is not an expression; ``column`` says where, counted in characters from 1.
    """
    evaluate, references = parse(text)
    return Expression(text, evaluate, references)
