"""Asks people in the midst of an attempt: a question of the agent, or whether a tool may be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.calls import PersonAnswer, PersonQuestion

if TYPE_CHECKING:
    from loopengt_local.calling.calls import AttemptCalls

__all__ = ["approve_call", "ask_person", "may_repeat"]


async def ask_person(calls: AttemptCalls, call: str, question: PersonQuestion) -> PersonAnswer:
    """Ask what the agent wants to know.

    Raises:
        EndRun: Nobody is there: the run pauses.
    """
    text = calls.run.compiled.intake.text
    data = _question(calls, call, "input", text(question.text))
    if question.choices:
        data["choices"] = [text(choice) for choice in question.choices]
    if question.schema is not None:
        data["schema"] = calls.run.compiled.intake.data(dict(question.schema))[0]
    if question.audience != "person":
        data["audience"] = question.audience
    if question.details is not None:
        data["details"] = calls.run.compiled.intake.data(dict(question.details))[0]
    if question.timeout_seconds is not None:
        data |= {"timeout_seconds": question.timeout_seconds, "on_timeout": "reject"}
    decision = await calls.decision(data)
    said = str(decision.get("comment") or "")
    return PersonAnswer(said, decision["decision"] != "approved", str(decision.get("by") or ""))


async def approve_call(calls: AttemptCalls, call: str, tool: str, arguments: Any) -> str | None:
    """Ask whether a tool may be called; None: it may, else why not.

    Raises:
        EndRun: Nobody is there: the run pauses.
    """
    data = _question(calls, call, "tool", f"may agent {calls.step.role.name!r} call the tool {tool!r}?")
    decision = await calls.decision(data | {"tool": tool, "input": arguments})
    if decision["decision"] == "approved":
        return None
    said = decision.get("comment")
    return f"{decision['by']} did not approve the call" + (f": {said}" if said else "")


async def may_repeat(calls: AttemptCalls, call: str, position: int, tool: str, why: str) -> bool:
    """Ask whether to make a call again that may have been made before, although it may be made once only.

    Args:
        calls: The calls of the attempt.
        call: Key of the call.
        position: Where in the journal the call stands that may not be repeated: a person permits one more, and not
            yet another when that is lost, too.
        tool: Name of what is called.
        why: What is known of it, as the tail of a sentence.

    Raises:
        EndRun: Nobody is there: the run pauses.
    """
    text = (
        f"the tool {tool!r} (effects: once) {why}; it may or may not have been done. "
        "Approve to call it again, reject to tell the agent that nobody knows"
    )
    decision = await calls.decision(
        _question(calls, f"{call} again {position}", "tool", text) | {"tool": tool}
    )
    return bool(decision["decision"] == "approved")


def _question(calls: AttemptCalls, call: str, kind: str, text: str) -> dict[str, Any]:
    name = calls.step.name
    return {
        "id": f"{calls.key}/{call}",
        "kind": kind,
        "step": name,
        "attempt": calls.attempt,
        "question": text,
    }
