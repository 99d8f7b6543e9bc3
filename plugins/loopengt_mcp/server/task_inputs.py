"""What a run asks people, as forms that a client shows (``elicitation/create``), and the forms' answers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast

from loopengt.approvals import Answer
from loopengt.display import one_line
from loopengt.errors import UsageError
from loopengt.journal import clean_text
from loopengt.redaction import Redactor
from loopengt_mcp.server.fitting import fitting
from loopengt_mcp.server.models import Question

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.engines import UnknownOutcome

__all__ = ["RESUME", "Declined", "answer_of", "form", "form_of", "is_outcome", "outcome_of"]

RESUME = {
    "type": "object",
    "properties": {
        "resume": {"type": "boolean", "title": "Go on with it", "description": "false: stop the run"}
    },
    "required": ["resume"],
}
"""The form that asks whether a paused run goes on."""

_OUTCOMES = ["done", "retry", "fail"]
_FLAT = frozenset({"string", "number", "integer", "boolean"})
_MOST_TEXT = 4000


class Declined(Exception):
    """The person has put the form away without an answer; the question stays open."""


def form(message: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Make the parameters of ``elicitation/create``."""
    return {"mode": "form", "message": message, "requestedSchema": dict(schema)}


def is_outcome(question: Mapping[str, Any]) -> bool:
    """Whether a question is about a step of which nobody knows whether it was done: ``resume`` is told that."""
    return _kind(question) == "unknown_outcome"


def form_of(question: Mapping[str, Any]) -> dict[str, Any]:
    """Make the form for a question.

    Args:
        question: Data of an ``approval.request`` event.
    """
    place = _place(question)
    asked = str(question.get("question") or "")[:_MOST_TEXT]
    message = f"{place} asks: {asked}"
    given = question.get("input")
    if given is not None:
        message += f"\n{one_line(given, _MOST_TEXT)}"
    return form(message, _schema_of(question))


def answer_of(question: Mapping[str, Any], response: Any, by: str) -> Answer:
    """Return the answer that a form's response gives to a question.

    Args:
        question: Data of an ``approval.request`` event.
        response: Result of ``elicitation/create``.
        by: Who answers.

    Raises:
        Declined: It was put away; the question stays open.
        UsageError: It does not fit; the text says why.
    """
    content = _content(question, response)
    if content is None:
        return Answer(False, by, "declined")
    if _kind(question) == "input":
        return Answer(True, by, _clean(_words(question, content)))
    approved = content.get("approve")
    if not isinstance(approved, bool):
        raise UsageError(f"{_place(question)}: the answer needs approve, true or false")
    return Answer(approved, by, _clean(str(content.get("comment") or "")))


def outcome_of(question: Mapping[str, Any], response: Any) -> UnknownOutcome:
    """Return what a form's response says of a step whose outcome is unknown: done, retry or fail.

    Raises:
        Declined: It says nothing.
        UsageError: It says something else.
    """
    content = _content(question, response)
    if content is None:
        raise Declined
    outcome = content.get("outcome")
    if outcome not in _OUTCOMES:
        raise UsageError(f"{_place(question)}: the answer needs outcome, one of {', '.join(_OUTCOMES)}")
    return cast("UnknownOutcome", outcome)


def _content(question: Mapping[str, Any], response: Any) -> dict[str, Any] | None:
    """Return what was filled in; None: it was declined."""
    action = response.get("action") if isinstance(response, dict) else None
    if action == "decline":
        return None
    if action == "cancel":
        raise Declined
    content = response.get("content") if isinstance(response, dict) else None
    if action != "accept" or not isinstance(content, dict):
        raise UsageError(f"{_place(question)}: the answer is no result of elicitation/create")
    return content


def _schema_of(question: Mapping[str, Any]) -> dict[str, Any]:
    kind = _kind(question)
    if kind == "unknown_outcome":
        told = "done: it was done; retry: do it again; fail: it failed"
        return _one("outcome", {"type": "string", "enum": _OUTCOMES, "description": told})
    if kind != "input":
        schema = _one("approve", {"type": "boolean", "title": "Approve"})
        schema["properties"]["comment"] = {"type": "string", "title": "Why"}
        return schema
    choices, wanted = question.get("choices"), question.get("schema")
    if isinstance(choices, list) and choices:
        return _one("answer", {"type": "string", "enum": [str(choice) for choice in choices]})
    if not isinstance(wanted, dict):
        return _one("answer", {"type": "string"})
    if _is_flat(wanted):
        kept = {key: wanted[key] for key in ("properties", "required") if key in wanted}
        return {"type": "object", **kept}
    told = f"JSON by the schema {one_line(wanted, _MOST_TEXT)}"
    return _one("answer", {"type": "string", "description": told})


def _words(question: Mapping[str, Any], content: dict[str, Any]) -> str:
    """Return a person's words, as they fit the question."""
    wanted, choices = question.get("schema"), question.get("choices") or []
    if isinstance(wanted, dict) and _is_flat(wanted):
        text = json.dumps(content, ensure_ascii=False)
    else:
        text = str(content.get("answer") or "")
    asked = Question(number=0, kind="input", text="", choices=[str(choice) for choice in choices])
    asked.answer_schema = wanted if isinstance(wanted, dict) else None
    return fitting(asked, text)


def _is_flat(schema: Mapping[str, Any]) -> bool:
    """Whether a form can ask for every member of an object."""
    members = schema.get("properties")
    if not isinstance(members, dict) or not members:
        return False
    return all(isinstance(member, dict) and member.get("type") in _FLAT for member in members.values())


def _one(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _kind(question: Mapping[str, Any]) -> str:
    """Return the kind of a question, of one that a child run asks that of its own."""
    return str(question.get("asks") or question.get("kind"))


def _place(question: Mapping[str, Any]) -> str:
    gate = f"gate {one_line(question['gate'])!r} of " if question.get("gate") else ""
    tool = f"tool {one_line(question['tool'])!r} of " if question.get("tool") else ""
    return f"{gate or tool}step {one_line(question.get('step') or '?')!r}"


def _clean(text: str) -> str:
    return Redactor.of_environment(os.environ).text(clean_text(text))
