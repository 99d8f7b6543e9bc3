"""The agents of both loops: plain functions over the files in lists/, each quick enough to run anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loopengt_hookspecs.agents import AgentRequest


def lists(request: AgentRequest) -> list[str]:
    """List the word lists."""
    return sorted(path.name for path in Path(request.workspace, "lists").glob("*.txt"))


def mend(request: AgentRequest) -> str:
    """Mend one fault of the list."""
    words, found = read(request), faults(read(request))
    if found:
        words = sorted(words) if found[0] == "not sorted" else list(dict.fromkeys(words))
        file(request).write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    return f"mended: {found[0]}" if found else "nothing to mend"


def look(request: AgentRequest) -> dict[str, Any]:
    """Say what is wrong with the list."""
    words = read(request)
    return {"list": request.context["list"], "words": len(words), "faults": faults(words)}


def count(request: AgentRequest) -> str:
    """Add the words of all lists up; the prompt holds what each child run has come to, as JSON."""
    found = json.loads(request.prompt)
    return f"{sum(entry['words'] for entry in found)} words in {len(found)} lists"


def faults(words: list[str]) -> list[str]:
    """Find what is wrong with a list."""
    twice = ["a word twice"] if len(set(words)) < len(words) else []
    return [*twice, *(["not sorted"] if words != sorted(words) else [])]


def read(request: AgentRequest) -> list[str]:
    """Read the list that the context names."""
    return file(request).read_text(encoding="utf-8").split()


def file(request: AgentRequest) -> Path:
    """Return the file of the list."""
    return Path(request.workspace, "lists", request.context["list"])
