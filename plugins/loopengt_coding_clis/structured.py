"""Structured answers: asks for JSON where a CLI takes no schema, and finds it in what was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["find_json", "instruction", "is_strict"]

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)


def instruction(schema: Mapping[str, Any]) -> str:
    """The words that ask for an answer that satisfies a schema."""
    return (
        "Answer with one JSON document and nothing else: no explanation, no code fence. It must satisfy this JSON "
        f"Schema:\n{msgspec.json.encode(schema).decode()}"
    )


def find_json(text: str) -> Any:
    """Return the JSON document that a text is or holds: the whole, the last fenced block, or the outermost braces.

    Raises:
        ValueError: It holds none.
    """
    text = text.strip()
    blocks = _FENCED.findall(text)
    cut = text[text.find("{") : text.rfind("}") + 1], text[text.find("[") : text.rfind("]") + 1]
    for candidate in (text, *reversed(blocks), *cut):
        try:
            return msgspec.json.decode(candidate.encode())
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
    raise ValueError("there is no JSON document in it")


def is_strict(schema: object) -> bool:
    """Whether every object of a schema requires all of its keys and allows no others."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        keys = set(schema.get("properties", {}))
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != keys:
            return False
    return all(map(is_strict, schema.values()))
