"""Reads data from an agent's output: JSON, or text that holds one JSON object."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["read_object", "text_of"]

_FENCE = "```"


def read_object(output: Any) -> dict[str, Any]:
    """Return the JSON object that an output is; empty when it is none.

    Agents often answer in text. It counts as data when the whole text is a JSON object, or when the only fenced block
    in it, marked ``json`` or not at all, is one. Nothing is guessed from other text.
    """
    if isinstance(output, dict):
        return output
    if not isinstance(output, str):
        return {}
    text = output.strip()
    if not text.startswith("{"):
        text = _fenced(text)
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text_of(value: Any) -> str:
    """Return a text as it is, nothing as an empty text, and other data as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fenced(text: str) -> str:
    """Return what is in the only fenced block of a text; empty when there is none, or more than one."""
    lines = text.splitlines()
    fences = [index for index, line in enumerate(lines) if line.lstrip().startswith(_FENCE)]
    if len(fences) != 2:
        return ""
    first, last = fences
    marks = lines[first].strip().removeprefix(_FENCE).lower(), lines[last].strip()
    return "\n".join(lines[first + 1 : last]) if marks[0] in ("", "json") and marks[1] == _FENCE else ""


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
