"""The agents of this loop: a supervisor that decides from what the last worker found, and two workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loopengt_hookspecs.agents import AgentRequest

WANTED = ("Added", "Fixed")
"""Headings that the notes of a release must have."""


def supervise(request: AgentRequest) -> dict[str, Any]:
    """Decide who is next; the prompt holds what the last worker answered, as JSON."""
    last = json.loads(request.prompt)
    if last.get("missing"):
        return {"next_step": "write", "instructions": last["missing"][0]}
    return {"done": True} if "missing" in last else {"next_worker": "reviewer"}


def review(request: AgentRequest) -> dict[str, Any]:
    """Look for the headings that the notes do not have yet."""
    text = notes(request).read_text(encoding="utf-8")
    return {"missing": [heading for heading in WANTED if f"## {heading}" not in text]}


def write(request: AgentRequest) -> dict[str, Any]:
    """Add the heading that the prompt names, once, and leave the rest to the reviewer."""
    file, line = notes(request), f"## {request.prompt}"
    text = file.read_text(encoding="utf-8")
    if line not in text:
        file.write_text(f"{text}\n{line}\n\n- to be told\n", encoding="utf-8")
    return {"wrote": request.prompt}


def notes(request: AgentRequest) -> Path:
    """Return the file."""
    return Path(request.workspace, "NOTES.md")
