"""Holds a person's words against what a question wants, and reads them from a pipe."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST", "Unfit", "fitting", "piped"]

MOST = 200_000
"""Characters that an answer may have."""


class Unfit(ValueError):
    """An answer is not what the question wants; the text says why."""


def fitting(question: Mapping[str, Any], text: str) -> str:
    """Return the answer that a text gives to a question.

    Of choices, one is taken word for word, or by its number in the list; a number that is a choice itself means that
    choice.

    Args:
        question: Data of an ``approval.request`` event.
        text: What the person said.

    Raises:
        Unfit: That is no answer to it.
    """
    if len(text) > MOST:
        raise Unfit(
            f"the answer is longer than {MOST:,} characters; put it into a file, and answer with its name"
        )
    if not text.strip():
        raise Unfit("the answer is empty")
    choices = question.get("choices")
    if isinstance(choices, list) and choices:
        text = _choice([str(choice) for choice in choices], text.strip())
    schema = question.get("schema")
    if isinstance(schema, dict):
        _check(schema, text)
    return text


def piped() -> str:
    """Read an answer from stdin, without the line's end."""
    # Straight from the bytes: what is no UTF-8 is replaced, whatever the locale says.
    read = sys.stdin.buffer.read(4 * MOST + 4) if sys.stdin is not None else b""
    return read.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


def _choice(choices: list[str], text: str) -> str:
    if text in choices:
        return text
    if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= len(choices):
        return choices[int(text[:9]) - 1]
    from loopengt.display import one_line

    listed = ", ".join(f"{place} {one_line(choice)}" for place, choice in enumerate(choices, 1))
    raise Unfit(f"{one_line(text)!r} is none of the choices: {listed}")


def _check(schema: dict[str, Any], text: str) -> None:
    from loopengt.json_schema import JsonSchema, SchemaProblem, listed

    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise Unfit(f"the answer is not JSON: {exc}") from None
    try:
        wrong = JsonSchema(schema).violations(value)
    except SchemaProblem:  # whoever asked has to look at the answer himself
        return
    if wrong:
        raise Unfit(f"the answer does not fit what is asked for ($ stands for it):\n{listed(wrong)}")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
