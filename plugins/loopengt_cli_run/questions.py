"""Shows what a run asks people, and what to type as an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loopengt.cli.retyping import command_line
from loopengt.display import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loopengt import Kernel

__all__ = ["is_for_resume", "outcome_lines", "place_of", "question_lines"]

_OUTCOMES = (("it was done", "done"), ("do it again", "retry"), ("it failed", "fail"))
_TEXT = 400


def is_for_resume(question: Mapping[str, Any]) -> bool:
    """Whether a question is about a step of which nobody knows whether it was done: ``resume`` is told that."""
    return bool(question.get("asks", question.get("kind")) == "unknown_outcome")


def place_of(question: Mapping[str, Any]) -> str:
    """Say where a question comes from, such as ``gate 'sign-off' of step 'deploy'``."""
    gate = f"gate {one_line(question['gate'])!r} of " if question.get("gate") else ""
    return f"{gate}step {one_line(question.get('step') or '?')!r}"


def question_lines(
    questions: Sequence[Mapping[str, Any]], run_id: str, kernel: Kernel, *, told: bool = False
) -> Iterator[str]:
    """Yield the questions that a person can approve or reject, each with what to type.

    Args:
        questions: What the run asks.
        run_id: The run.
        kernel: The project.
        told: Whether a single question has been shown already.
    """
    asked = [question for question in questions if not is_for_resume(question)]
    for question in asked:
        if len(asked) > 1 or not told:
            text = one_line(question.get("question") or "", _TEXT)
            yield f"{place_of(question)} asks: {text}{_until(question)}"
        elif _until(question):
            yield f"answer:   {_until(question)}"
        words = _selecting(question, asked)
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


def _selecting(question: Mapping[str, Any], asked: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the options that single a question out."""
    if len(asked) == 1:
        return []
    words = ["--gate", question["gate"]] if question.get("gate") else []
    alike = [other for other in asked if other.get("gate") == question.get("gate")]
    if len(alike) > 1 or not words:
        words += ["--step", str(question.get("step"))]
    return words


def _until(question: Mapping[str, Any]) -> str:
    expires_at = question.get("expires_at")
    if not isinstance(expires_at, int | float):
        return ""
    at = datetime.fromtimestamp(expires_at, UTC).astimezone()
    otherwise = "approved" if question.get("on_timeout") == "approve" else "rejected"
    return f" ({otherwise} without an answer by {at:%Y-%m-%d %H:%M:%S})"
