"""Puts what is judged into a prompt so that it cannot pass for a part of the prompt."""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["quoted"]

_LONGEST = 60_000


def quoted(label: str, value: Any, *, longest: int = _LONGEST) -> str:
    """Return a value between marks that it cannot hold itself, since they are made of its digest.

    The same value is quoted the same way each time, so that a recorded answer is found again.

    Args:
        label: What it is, one word, such as ``output``.
        value: Text, or JSON data, which is shown with indentation.
        longest: Characters that are kept; of a longer value the middle is left out, and that is said.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    text = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair cannot be sent
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:] if half else ''}"
    mark = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
    return f"<{label}-{mark}>\n{text}\n</{label}-{mark}>"
