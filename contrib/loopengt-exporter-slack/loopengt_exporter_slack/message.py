"""Makes the message of a run: blocks within Slack's limits, in which nothing of the run is markup."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from loopengt.redaction import process_redactor

__all__ = ["LARGEST", "Report", "encode", "escape", "plain"]

LARGEST = 40_000
"""Bytes of a message that are sent at most."""

_HEADER, _SECTION, _FIELD, _NOTICE = 150, 3_000, 2_000, 300
"""Characters of a header, of a section's text, of one field, and of the text for notifications."""

_MOST_READ = 200_000
"""Characters of a text that are looked at; so many more than are shown that no secret is shown in part."""

_MARKS = {
    "goal_met": "\N{WHITE HEAVY CHECK MARK}",
    "nothing_to_do": "\N{WHITE HEAVY CHECK MARK}",
    "approval_required": "\N{RAISED HAND}",
    "interrupted": "\N{DOUBLE VERTICAL BAR}",
    "running": "\N{BLACK RIGHT-POINTING TRIANGLE}",
    "pending": "\N{BLACK RIGHT-POINTING TRIANGLE}",
}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(slots=True)
class Report:
    """What is told of a run."""

    run_id: str
    loop: str
    outcome: str
    """Reason of its end, or its status."""
    facts: dict[str, str] = field(default_factory=dict)
    """Short facts: label and value."""
    details: str = ""
    """Why, or what is asked."""


def plain(text: str, longest: int) -> str:
    """Return text without secrets and invisible characters, cut to a length with an ellipsis."""
    text = process_redactor().text(text[:_MOST_READ])
    text = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def escape(text: str, longest: int) -> str:
    """Return text for a place where Slack reads markup: no link, mention or format is left of it.

    What is escaped is cut after that, and never within an escape.
    """
    kept: list[str] = []
    room = longest
    for sign in plain(text, longest).replace("\n", " "):
        # Formats begin and end at these signs only where no such character stands beside them.
        shown = _ESCAPES.get(sign) or (f"{sign}\N{ZERO WIDTH SPACE}" if sign in "*_~`@#" else sign)
        if len(shown) > room:
            break
        kept.append(shown)
        room -= len(shown)
    return "".join(kept)


def encode(report: Report, *, details: bool = True) -> bytes:
    """Return the JSON of a message.

    Args:
        report: What is told.
        details: Whether ``report.details`` is told, too.
    """
    outcome = report.outcome.replace("_", " ") or "unknown"
    mark = _MARKS.get(report.outcome, "\N{CROSS MARK}")
    heading = f"{mark} {report.loop or 'a loop'}: {outcome}"
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _text(heading.replace("\n", " "), _HEADER)}]
    if details and report.details.strip():
        blocks.append({"type": "section", "text": _text(report.details, _SECTION)})
    facts = [
        f"*{label}* {escape(value, _FIELD - 100)}" for label, value in report.facts.items() if value.strip()
    ]
    if facts:
        fields = [{"type": "mrkdwn", "text": fact, "verbatim": True} for fact in facts[:10]]
        blocks.append({"type": "section", "fields": fields})
    blocks.append({"type": "context", "elements": [_text(f"loopengt run {report.run_id}", 200)]})
    message = {
        "text": escape(heading, _NOTICE),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    body = json.dumps(message).encode()
    while (
        len(body) > LARGEST and len(blocks) > 2
    ):  # each block is small; escaped signs take up to 12 bytes each
        del blocks[1]
        body = json.dumps(message).encode()
    return body


def _text(text: str, longest: int) -> dict[str, Any]:
    """A text object in which nothing is markup; Slack refuses empty ones."""
    return {"type": "plain_text", "text": plain(text, longest) or "-", "emoji": False}
