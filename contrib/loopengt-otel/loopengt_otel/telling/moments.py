"""Things that happen at one moment, as events of a span: handoffs, approvals, budgets, retries, and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_otel import conventions as names
from loopengt_otel.telling.spans import SpanEvent
from loopengt_otel.telling.texts import number

if TYPE_CHECKING:
    from loopengt_otel.telling.spans import Attributes
    from loopengt_otel.telling.texts import Texts

__all__ = ["moment", "verdict"]

# What is told of each type of event: always, and only when content may be told.
_TOLD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "approval.decision": (
        ("id", "kind", "gate", "tool", "run", "asks", "decision", "mark"),
        ("by", "comment"),
    ),
    "approval.request": (
        ("id", "number", "kind", "gate", "tool", "attempt", "run", "asks", "timeout_seconds", "on_timeout"),
        ("question", "input", "choices"),
    ),
    "budget.add": (("added",), ()),
    "budget.exceeded": (("budget", "used", "limit", "needed"), ()),
    "checkpoint.delete": (("checkpoint_id", "name"), ()),
    "checkpoint.load": (("checkpoint_id", "name"), ()),
    "checkpoint.save": (("checkpoint_id", "name", "tree"), ()),
    "custom": (("tokens_before", "tokens_after"), ("summarized",)),
    "decision": (("name",), ("value",)),
    "handoff": (("from_agent", "to_agent", "protocol", "decided"), ("payload", "instructions")),
    "loop.pause": (("reason",), ("detail",)),
    "loop.resume": (("elapsed", "turn", "forked_from", "at"), ()),
    "loop.stop": (("reason",), ("detail",)),
    "memory.read": (("scope",), ("query", "entries")),
    "memory.write": (("scope", "entry_id"), ("content",)),
    "progress": (("attempt", "new", "metric", "best"), ("same", "unread")),
    "step.retry": (("attempt", "reason", "delay", "keeps_calls"), ("feedback", "error")),
}


def moment(
    kind: str, data: dict[str, Any], at: int, texts: Texts, step: str | None = None
) -> SpanEvent | None:
    """Make the event of a span; None: nothing is told of that type.

    Args:
        kind: Type of our event.
        data: Its data.
        at: When.
        texts: What may be told.
        step: The step that it belongs to, when its span is not the step's.
    """
    told = _TOLD.get(kind)
    if told is None:
        return None
    attributes: Attributes = {names.STEP: texts.name(step)} if step is not None else {}
    always, content = told
    for key in always:
        if data.get(key) is not None:
            attributes[f"loopengt.{kind}.{key}"] = texts.value(data[key])
    if kind == "memory.read" and isinstance(data.get("entries"), list):
        attributes["loopengt.memory.read.count"] = len(data["entries"])
    if texts.content:
        for key in content:
            if data.get(key) is not None:
                attributes[f"loopengt.{kind}.{key}"] = texts.whole(data[key])
    return SpanEvent(f"loopengt.{kind}", at, attributes)


def verdict(data: dict[str, Any], texts: Texts) -> Attributes:
    """What a judge said, by the conventions."""
    passed = data.get("passed")
    attributes: Attributes = {names.EVALUATION_NAME: texts.name(data.get("judge") or "judge")}
    score, threshold = number(data.get("score")), number(data.get("threshold"))
    if score is not None:
        attributes[names.EVALUATION_SCORE] = float(score)
    if isinstance(passed, bool):
        attributes[names.EVALUATION_LABEL] = "pass" if passed else "fail"
    if threshold is not None:
        attributes[names.THRESHOLD] = float(threshold)
    if data.get("gate"):
        attributes[names.GATE] = texts.name(data["gate"])
    if data.get("evaluation"):
        attributes[names.EVALUATION_ID] = texts.name(data["evaluation"])
    criteria = data.get("criteria")
    for name, value in criteria.items() if isinstance(criteria, dict) else ():
        if number(value) is not None:
            attributes[f"loopengt.judge.criteria.{texts.name(name)}"] = float(value)
    if texts.content and data.get("reasoning"):
        attributes[names.EVALUATION_WHY] = texts.whole(data["reasoning"])
    return attributes
