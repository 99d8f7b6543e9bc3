"""The agents of this loop: each does its part of answering a letter and hands it on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from loopengt_hookspecs.agents import AgentRequest

PRICES = {"kite": 12, "string": 3}


def sort(request: AgentRequest) -> dict[str, Any]:
    """Read the letter and name who is to answer it."""
    text = Path(request.workspace, "letter.txt").read_text(encoding="utf-8")
    order = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", text)}
    receiver = "order" if order else "question"
    return {
        "handoff": {"to_step": receiver, "payload": {"order": order}, "instructions": f"a letter: {receiver}"}
    }


def answer_question(request: AgentRequest) -> dict[str, Any]:
    """Answer a letter that orders nothing."""
    return {"handoff_to": "clerk", "reply": "Our price list is enclosed."}


def take_order(request: AgentRequest) -> dict[str, Any]:
    """Work the price out from what was handed over."""
    order = json.loads(request.prompt)["order"]
    return {"reply": f"That is {sum(PRICES[item] * count for item, count in order.items())} in all."}


def write_letter(request: AgentRequest) -> str:
    """Write the reply into a file."""
    text = f"Dear customer,\n\n{request.prompt}\n\nYours, the kite shop\n"
    Path(request.workspace, "reply.txt").write_text(text, encoding="utf-8")
    return text
