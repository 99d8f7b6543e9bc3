"""Holds an answer against the question that it is for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.json_schema import JsonSchema, SchemaProblem, listed

if TYPE_CHECKING:
    from loopengt_mcp.server.models import Question

__all__ = ["fitting"]

_MOST = 200_000


def fitting(question: Question, text: str) -> str:
    """Return an answer as it fits a question of kind input; of choices, the number in the list is one, too.

    Raises:
        UsageError: It does not fit; nothing was written.
    """
    if not text.strip() or len(text) > _MOST:
        raise UsageError(f"the answer is empty, or longer than {_MOST:,} characters")
    if question.choices:
        return _choice(question.choices, text.strip())
    if question.answer_schema is not None:
        _check(question.answer_schema, text)
    return text


def _choice(choices: list[str], text: str) -> str:
    if text in choices:
        return text
    if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= len(choices):
        return choices[int(text[:9]) - 1]
    raise UsageError(f"the answer is none of the choices: {', '.join(choices)[:2_000]}")


def _check(schema: dict[str, Any], text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"the answer is not JSON: {exc}", remedy="Give JSON by answer_schema.") from None
    try:
        wrong = JsonSchema(schema).violations(value)
    except SchemaProblem:  # whoever asked has to look at the answer himself
        return
    if wrong:
        raise UsageError(f"the answer does not fit answer_schema:\n{listed(wrong)}")
