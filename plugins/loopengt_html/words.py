"""Says in a few words what an event tells."""

from __future__ import annotations

from typing import Any

from loopengt.display import decision, one_line

__all__ = ["brief", "note_kind", "words"]

_KINDS = {
    "approval.request": "question",
    "approval.decision": "answer",
    "budget.add": "budget",
    "budget.exceeded": "budget",
    "loop.pause": "pause",
    "loop.stop": "stop",
}
_LONGEST = 160
_SAID = ("error", "reason", "detail", "skipped", "feedback", "output", "prompt", "text", "content", "query")


def note_kind(kind: str) -> str:
    """Return the sort of note that an event makes."""
    return _KINDS.get(kind, kind.partition(".")[0])


def words(kind: str, data: dict[str, Any]) -> str:
    """Say what a note is about."""
    if kind == "approval.request":
        given = f" {one_line(data['input'])}" if data.get("input") else ""
        return f"asked: {one_line(data.get('question') or '', 2_000)}{given}"
    if kind == "approval.decision":
        return f"answered: {decision(data)}"
    if kind == "handoff":
        return f"handed over from {one_line(data.get('from_agent') or '?')} to {one_line(data.get('to_agent') or '?')}"
    if kind.startswith("checkpoint."):
        done = {"save": "saved", "load": "loaded", "delete": "deleted"}.get(kind.partition(".")[2], kind)
        return f"checkpoint {one_line(data.get('name') or data.get('checkpoint_id') or '?')} {done}"
    if kind == "budget.add":
        added = data.get("added")
        added = added if isinstance(added, dict) else {}
        return "added to the budget: " + ", ".join(f"{key} {one_line(value)}" for key, value in added.items())
    if kind == "budget.exceeded":
        used = data.get("used")
        return (
            f"budget exceeded: {one_line(data.get('budget') or '?')}, "
            f"used {'an unknown amount' if used is None else one_line(used)} of {one_line(data.get('limit'))}"
        )
    if kind == "decision":
        return f"decided {one_line(data.get('name') or '?')}: {one_line(data.get('value'))}"
    if kind in ("loop.pause", "loop.stop"):
        verb = "paused" if kind == "loop.pause" else "asked to stop"
        return one_line(f"{verb}: {data.get('reason') or '?'}, {data.get('detail') or ''}".rstrip(", "), 400)
    return f"{kind}: {brief(kind, data)}"


def brief(kind: str, data: dict[str, Any]) -> str:
    """Return the one thing about an event that a list has place for."""
    if kind == "loop.start":
        return one_line(data.get("goal") or "", _LONGEST)
    if kind.startswith(("tool.call", "tool.offer")):
        return one_line(data.get("input") or data.get("tools") or "", _LONGEST)
    if kind.startswith("gate."):
        return one_line(data.get("feedback") or "", _LONGEST)
    if kind in ("step.start", "step.complete") and not data.get("skipped"):
        about = (("turn", data.get("turn")), ("attempt", data.get("attempt")), ("by", data.get("agent")))
        return one_line(", ".join(f"{word} {value}" for word, value in about if value), _LONGEST)
    if kind == "judge.score":
        return f"{one_line(data.get('judge') or '?')} {one_line(data.get('score'))}"
    if kind in ("loop.complete", "loop.error", "loop.pause", "loop.stop"):
        return one_line(f"{data.get('reason') or ''}: {data.get('detail') or ''}", _LONGEST)
    if kind == "model.response":
        response = data.get("response")
        return one_line(response.get("text") or "", _LONGEST) if isinstance(response, dict) else ""
    if kind.startswith(("approval.", "budget.", "checkpoint.")) or kind in ("handoff", "decision"):
        return words(kind, data)[:_LONGEST]
    for key in _SAID:
        if data.get(key) not in (None, "", {}, []):
            return one_line(data[key], _LONGEST)
    return ""
