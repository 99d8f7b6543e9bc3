"""Cuts data of any size down to what a model can read."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["cut", "size_of"]

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
    shorter = _shorter(value, text_limit, max(4, limit // 100), 0)
    if size_of(shorter) <= limit:
        return shorter
    text = shorter if isinstance(shorter, str) else json.dumps(shorter, ensure_ascii=False, default=str)
    return _text(text, limit // 6)  # a character takes six bytes of JSON at most


def size_of(value: Any) -> int:
    """Return how many bytes a value takes as JSON."""
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def _shorter(value: Any, text_limit: int, most: int, depth: int) -> Any:
    if isinstance(value, str):
        return _text(value, text_limit)
    if depth > _DEEPEST:
        return "… (nested too deeply)" if isinstance(value, dict | list) else value
    if isinstance(value, dict):
        kept = list(value.items())[:most]
        found = {_text(str(key), 200): _shorter(item, text_limit, most, depth + 1) for key, item in kept}
        return found | ({"…": f"{len(value) - most} more keys"} if len(value) > most else {})
    if isinstance(value, list | tuple):
        items = [_shorter(item, text_limit, most, depth + 1) for item in value[:most]]
        return items + ([f"… ({len(value) - most} more items)"] if len(value) > most else [])
    return value


def _text(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} more characters)"
