"""Shows what a run asks people, and what to type as an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loopengt.cli.retyping import command_line
from loopengt.display import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loopengt import Kernel

__all__ = [
    "details_of",
    "is_for_answer",
    "is_for_host",
    "is_for_resume",
    "kind_of",
    "numbered",
    "outcome_lines",
    "place_of",
    "question_lines",
]

_OUTCOMES = (("it was done", "done"), ("do it again", "retry"), ("it failed", "fail"))
_TEXT = 400
_VALUE = 160
_MOST = 12
"""Arguments of a tool that are shown."""


def kind_of(question: Mapping[str, Any]) -> str:
    """Return the kind of a question, of one that a child run asks that of its own."""
    return str(question.get("asks") or question.get("kind"))


def is_for_resume(question: Mapping[str, Any]) -> bool:
    """Whether a question is about a step of which nobody knows whether it was done: ``resume`` is told that."""
    return kind_of(question) == "unknown_outcome"


def is_for_answer(question: Mapping[str, Any]) -> bool:
    """Whether a question wants words, and no approval."""
    return kind_of(question) == "input"


def is_for_host(question: Mapping[str, Any]) -> bool:
    """Whether a question is for the model of an IDE; a person may answer it, too."""
    return question.get("audience") == "host"


def place_of(question: Mapping[str, Any]) -> str:
    """Say where a question comes from, such as ``gate 'sign-off' of step 'deploy'``."""
    gate = f"gate {one_line(question['gate'])!r} of " if question.get("gate") else ""
    tool = f"tool {one_line(question['tool'])!r} of " if question.get("tool") else ""
    return f"{gate or tool}step {one_line(question.get('step') or '?')!r}"


def numbered(questions: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Return the open questions of a run that can be answered by their numbers, which stay when others are answered."""
    found: dict[int, Mapping[str, Any]] = {}
    for question in questions:
        if not is_for_resume(question):
            number = question.get("number")
            found[number if isinstance(number, int) else max(found, default=0) + 1] = question
    return found


def details_of(question: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each argument of the tool that is to be called, or for each choice."""
    shown: list[str] = []
    given = question.get("input")
    if isinstance(given, dict):
        shown = [f"{one_line(key)}: {_value(value)}" for key, value in list(given.items())[:_MOST]]
    elif given is not None:
        shown = [_value(given)]
    choices = question.get("choices")
    if isinstance(choices, list):
        shown += [f"{place}. {one_line(choice, _VALUE)}" for place, choice in enumerate(choices, 1)]
    schema = question.get("schema")
    if isinstance(schema, dict):
        shown.append(f"JSON by the schema {one_line(schema, _TEXT)}")
    yield from (f"  {line}" for line in shown)
    if isinstance(given, dict) and len(given) > _MOST:
        yield f"  … and {len(given) - _MOST} more arguments"


def question_lines(
    questions: Sequence[Mapping[str, Any]],
    run_id: str,
    kernel: Kernel,
    *,
    told: bool = False,
    among: Sequence[Mapping[str, Any]] | None = None,
) -> Iterator[str]:
    """Yield the questions that a person can answer, approve or reject, each with what to type.

    Args:
        questions: Those to show.
        run_id: The run.
        kernel: The project.
        told: Whether the text of a single question has been shown already.
        among: All that the run asks; None: just those.
    """
    everything = list(numbered(questions if among is None else among).items())
    shown = set(map(id, questions))
    asked = [(number, question) for number, question in everything if id(question) in shown]
    for number, question in asked:
        mark = f"{number}. " if len(everything) > 1 else ""
        if len(asked) > 1 or not told:
            text = one_line(question.get("question") or "", _TEXT)
            yield f"{mark}{place_of(question)} asks: {text}{_until(question)}"
        elif _until(question):
            yield f"time:     {_until(question)}"
        yield from details_of(question)
        words = _selecting(number, question, [other for _, other in everything])
        if is_for_host(question):
            yield f"in an IDE: let its model call next_task (run_id {run_id}); `loopengt mcp` connects it"
        if is_for_answer(question):
            yield f"answer:    {command_line(kernel, 'answer', run_id, *words)}"
            yield f"decline:   {command_line(kernel, 'answer', run_id, *words, '--decline')}"
        else:
            yield f"approve:   {command_line(kernel, 'approve', run_id, *words)}"
            yield f"reject:    {command_line(kernel, 'reject', run_id, *words, '--comment', 'what is wrong')}"


def outcome_lines(run_id: str, kernel: Kernel, questions: Sequence[Mapping[str, Any]] = ()) -> Iterator[str]:
    """Yield what to type when nobody knows whether a step was done."""
    steps = [str(question.get("step")) for question in questions if is_for_resume(question)]
    if len(steps) < 2:
        resume = command_line(kernel, "resume", run_id)
        yield from (f"{text + ':':<15}{resume} --unknown-outcome {word}" for text, word in _OUTCOMES)
        return
    words = [part for step in steps for part in ("--unknown-outcome", f"{step}=done")]
    yield "say of each whether it was done (done), is to be done again (retry), or failed (fail), such as:"
    yield f"resume:        {command_line(kernel, 'resume', run_id, *words)}"


def _selecting(
    number: int, question: Mapping[str, Any], everything: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return the options that single a question out."""
    rivals = [other for other in everything if is_for_answer(other) is is_for_answer(question)]
    words: list[str] = []
    for key in ("gate", "tool", "step"):
        if len(rivals) > 1 and question.get(key):
            left = [other for other in rivals if other.get(key) == question[key]]
            if len(left) < len(rivals):
                words += [f"--{key}", str(question[key])]
                rivals = left
    return words if len(rivals) == 1 else ["--question", str(number)]


def _value(value: Any) -> str:
    import json

    return one_line(json.dumps(value, ensure_ascii=False), _VALUE)


def _until(question: Mapping[str, Any]) -> str:
    expires_at = question.get("expires_at")
    if not isinstance(expires_at, int | float):
        return ""
    at = datetime.fromtimestamp(expires_at, UTC).astimezone()
    otherwise = "approved" if question.get("on_timeout") == "approve" else "rejected"
    if is_for_answer(question):
        otherwise = "declined"
    return f" ({otherwise} without an answer by {at:%Y-%m-%d %H:%M:%S})"
