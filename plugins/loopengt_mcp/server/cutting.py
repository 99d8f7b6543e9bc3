"""Cuts data of any size down to what a model can read."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

__all__ = ["cut", "cut_and_size", "size_of"]

_DEEPEST = 12


def cut(value: Any, text_limit: int, limit: int) -> Any:
    """Return JSON data with long texts and lists cut; what was left out is marked.

    Args:
        value: JSON data.
        text_limit: Most characters of one text.
        limit: Most bytes of the whole as JSON; what is still larger becomes a text of its beginning.
    """
    if isinstance(value, str) and len(value) <= min(text_limit, limit // 6):
        return value
    return cut_and_size(value, text_limit, limit)[0]


def cut_and_size(value: Any, text_limit: int, limit: int) -> tuple[Any, int]:
    """Do as ``cut``, and also return how many bytes of JSON the result takes."""
    shorter = _shorter(value, text_limit, max(4, limit // 100), 0)
    size = size_of(shorter)
    if size <= limit:
        return shorter, size
    text = shorter if isinstance(shorter, str) else json.dumps(shorter, ensure_ascii=False, default=str)
    beginning = _text(text, limit // 6)  # a character takes six bytes of JSON at most
    return beginning, size_of(beginning)


def size_of(value: Any) -> int:
    """Return how many bytes a value takes as JSON."""
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def _shorter(value: Any, text_limit: int, most: int, depth: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= text_limit else _text(value, text_limit)
    if isinstance(value, dict | list | tuple):
        if depth > _DEEPEST:
            return value if isinstance(value, tuple) else "… (nested too deeply)"
        return _members(value, text_limit, most, depth + 1)
    return value


def _members(value: Any, text_limit: int, most: int, depth: int) -> Any:
    if isinstance(value, dict):
        found = {
            _text(str(key), 200): _shorter(item, text_limit, most, depth)
            for key, item in islice(value.items(), most)
        }
        return found | ({"…": f"{len(value) - most} more keys"} if len(value) > most else {})
    items = [_shorter(item, text_limit, most, depth) for item in value[:most]]
    return items + ([f"… ({len(value) - most} more items)"] if len(value) > most else [])


def _text(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} more characters)"
