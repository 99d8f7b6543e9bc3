"""Shortens values and outputs to what a person, or the next attempt, can use."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["failure_extract", "shown_value", "tail"]

# Where the interesting part of an output usually begins: pytest's failures, a traceback, a line of complaint.
_FAILURE = re.compile(
    r"^(?:=+ (?:FAILURES|ERRORS) =+|Traceback \(most recent call last\):"
    r"|[^\n]{0,200}\b(?:error|fail(?:ed|ure)?)\b)",
    re.IGNORECASE | re.MULTILINE,
)


def tail(text: str, limit: int = 4_000) -> str:
    """The end of a text, without blank space around it."""
    text = text.strip()
    return text if len(text) <= limit else f"…{text[-limit:]}"


def failure_extract(text: str, limit: int = 4_000) -> str:
    """The end of an output; of a long one also the beginning of the first failure in it."""
    text = text.strip()
    if len(text) <= limit:
        return text
    head_size = limit // 3
    found = _FAILURE.search(text)
    start = found.start() if found else 0
    end = len(text) - (limit - head_size)
    if start >= end:
        return f"…{text[-limit:]}"
    head = text[start : min(start + head_size, end)]
    return f"{'…' if start else ''}{head}\n[...]\n{text[end:]}"


def shown_value(value: Any, limit: int = 200) -> str:
    """A JSON value on one line, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else f"<{type(value).__name__}>"
