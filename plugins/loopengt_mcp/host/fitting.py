"""Holds what a model has brought against what its task wants, and makes the answer of it that the journal takes."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from loopengt.errors import UsageError
from loopengt.journal import clean_text
from loopengt.json_schema import JsonSchema, SchemaProblem, listed
from loopengt.redaction import Redactor

__all__ = ["fit", "plain"]

_MOST = 200_000
"""Characters that an output may have."""
_FENCED = re.compile(r"```[A-Za-z]*[ \t]*\r?\n(.*?)```", re.DOTALL)


def plain(text: str) -> str:
    """Return a text without secrets, and without what cannot be stored."""
    return Redactor.of_environment(os.environ).text(clean_text(text))


def fit(schema: dict[str, Any] | None, output: Any) -> str:
    """Return an output as the answer to its task: text as it is, or JSON that fits.

    JSON may also be given as a text, alone or in a code fence.

    Args:
        schema: What the output has to fit; None: it is text.
        output: JSON data, as the model gave it.

    Raises:
        UsageError: It does not fit; the message says where.
    """
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    if output is None or not text.strip():
        raise UsageError(
            "the output is empty", remedy="Give it as `output`, or say in `failed` why there is none."
        )
    if len(text) > _MOST:
        raise UsageError(
            f"the output has {len(text):,} characters, and at most {_MOST:,} are taken",
            remedy="Write it into a file of the workspace, and give the file's name.",
        )
    if schema is None:
        return plain(text)
    return plain(json.dumps(_fitting(schema, output), ensure_ascii=False))


def _fitting(schema: dict[str, Any], output: Any) -> Any:
    try:
        validator = JsonSchema(schema)
    except SchemaProblem:  # the engine has the last word on the output anyway
        return output
    said: list[str] | None = None
    parsed = _parsed(output) if isinstance(output, str) else []
    for value in [*parsed, output]:
        wrong = validator.violations(value)
        if not wrong:
            return value
        said = said if said is not None else wrong
    if isinstance(output, str) and not parsed:
        raise UsageError(
            "the output is a text, and JSON is wanted that fits the output_schema",
            remedy="Give JSON as `output`.",
        )
    raise UsageError(
        f"the output does not fit its output_schema ($ stands for the output):\n{listed(said or [])}",
        remedy="Nothing was taken. Correct it, and give the whole output again.",
    )


def _parsed(text: str) -> list[Any]:
    found = []
    for part in (text, *_FENCED.findall(text)):
        try:
            found.append(json.loads(part, parse_constant=_refuse))
        except (ValueError, RecursionError):
            continue
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
