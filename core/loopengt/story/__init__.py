"""A run as a story: what its events come to, for whoever shows it to people."""

from __future__ import annotations

from loopengt.story.calls import CALLS, Call, add_call
from loopengt.story.model import Attempt, Check, Execution, Note, Score, Story
from loopengt.story.telling import score_of, tell

__all__ = [
    "CALLS",
    "Attempt",
    "Call",
    "Check",
    "Execution",
    "Note",
    "Score",
    "Story",
    "add_call",
    "score_of",
    "tell",
]
