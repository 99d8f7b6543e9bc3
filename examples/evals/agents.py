"""Two agents that count words; one of them now and then overlooks capital letters."""

from __future__ import annotations

import hashlib
import re
from typing import Any


def careful(request: Any) -> dict[str, int]:
    """Count rightly."""
    return {"count": len(words(request))}


def careless(request: Any) -> dict[str, int]:
    """Overlook words with a capital letter in two of five runs or so, by a draw that is the same each time."""
    found = words(request)
    number = int(request.run_id.rpartition("-")[2])  # of the trial
    if hashlib.sha256(f"{request.context['letter']} {number}".encode()).digest()[0] < 100:
        found = [word for word in found if word[0].islower()]
    return {"count": len(found)}


def words(request: Any) -> list[str]:
    """Return the words that begin with the letter."""
    text = (request.workspace / "text.txt").read_text(encoding="utf-8")
    return [word for word in re.findall(r"\w+", text) if word.lower().startswith(request.context["letter"])]
