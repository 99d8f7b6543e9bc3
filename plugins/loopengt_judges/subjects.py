"""What of a run a judge looks at, and what it is compared with."""

from __future__ import annotations

import json
from collections import ChainMap
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from loopengt.expressions import ExpressionError, parse_expression
from loopengt_hookspecs.errors import JudgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.judges import JudgeRequest

__all__ = [
    "ComparingOptions",
    "ExpressionText",
    "OutputOptions",
    "as_text",
    "judged",
    "names_of",
    "reference",
]


def _parses(text: str) -> str:
    try:
        parse_expression(text)
    except ExpressionError as error:
        raise ValueError(f"{text!r} is not an expression: {error}") from None
    return text


ExpressionText = Annotated[str, AfterValidator(_parses)]
"""An expression, as gates have them."""


class OutputOptions(BaseModel):
    """Options of every judge that looks at the output, or at a part of it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    of: ExpressionText | None = Field(
        default=None,
        description="Expression for what is judged, such as output.answer; null: the whole output.",
    )


class ComparingOptions(OutputOptions):
    """Options of every judge that compares."""

    expected: Any = Field(
        default=None, description="What is expected; null: what the case, or whoever asks, expects."
    )
    against: ExpressionText | None = Field(
        default=None,
        description="Expression for what is expected, such as context.answer or steps.draft.output.",
    )


def names_of(request: JudgeRequest) -> Mapping[str, Any]:
    """Return the names that an expression of a judge sees: those of the run, output, goal, expected and other."""
    given = {"output": request.output, "goal": request.goal}
    given |= {"expected": request.expected, "other": request.other}
    scope: Any = request.scope()
    return ChainMap(given, scope)


def judged(options: OutputOptions, request: JudgeRequest) -> Any:
    """Return what is judged.

    Raises:
        JudgeError: The expression for it has no value.
    """
    return request.output if options.of is None else valued(options.of, request)


def reference(options: ComparingOptions, request: JudgeRequest) -> Any:
    """Return what is expected.

    Raises:
        JudgeError: Nothing is, or the expression for it has no value.
    """
    found = options.expected
    if options.against is not None:
        found = valued(options.against, request)
    elif found is None:
        found = request.expected
    if found is None:
        raise JudgeError(
            "there is nothing expected to compare with",
            remedy="Give the case expected, or the judge options: expected, or against (an expression).",
        )
    return found


def valued(expression: str, request: JudgeRequest) -> Any:
    """Return the value of an expression.

    Raises:
        JudgeError: It has none.
    """
    try:
        return parse_expression(expression).evaluate(names_of(request))
    except ExpressionError as error:
        raise JudgeError(error.message, remedy=error.remedy) from None


def as_text(value: Any) -> str:
    """Return text as it is, nothing as empty text, and other data as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
