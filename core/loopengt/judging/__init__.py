"""Asks judges: binds a declaration to its judge and agent, repeats, adds up, and fails closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from loopengt.judging.answers import read_answer
    from loopengt.judging.binding import BoundJudge, bind_judge, with_agent
    from loopengt.judging.direct import invoke_directly
    from loopengt.judging.options import option_problems
    from loopengt.judging.quoting import quoted
    from loopengt.judging.recording import note_score, record_scores, score_data
    from loopengt.judging.scoring import Subject
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "answers": ("read_answer",),
            "binding": ("BoundJudge", "bind_judge", "with_agent"),
            "direct": ("invoke_directly",),
            "options": ("option_problems",),
            "quoting": ("quoted",),
            "recording": ("note_score", "record_scores", "score_data"),
            "scoring": ("Subject",),
        },
    )

__all__ = [
    "BoundJudge",
    "Subject",
    "bind_judge",
    "invoke_directly",
    "note_score",
    "option_problems",
    "quoted",
    "read_answer",
    "record_scores",
    "score_data",
    "with_agent",
]
