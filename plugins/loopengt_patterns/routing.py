"""Reads from an agent's output which step comes next, and asks again when there is no such step."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import StepSpec
from loopengt_hookspecs.patterns import Run, StepOutcome
from loopengt_patterns.reading import read_object, text_of

__all__ = ["NO_HANDOFF", "Wish", "ask", "feedback_for"]

NO_HANDOFF: Mapping[str, Any] = {"from_agent": "", "payload": {}, "instructions": ""}
"""``{handoff}`` in the prompt of a step to which nobody has handed anything."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an agent's output says of how to go on."""

    done: bool
    """``done`` is true."""
    to: Any
    """The step, or the agent, that is to come next; None: not said."""
    payload: dict[str, Any]
    """``handoff.payload``; where that is not given, the output itself."""
    instructions: str
    """``handoff.instructions``, or ``instructions``."""
    feedback: str
    """``feedback``."""

    @classmethod
    def of(cls, outcome: StepOutcome, keys: Sequence[str]) -> Wish:
        """Read the output of a step that did its work; ``keys`` are those that may name the next one."""
        output = outcome.output if outcome.error is None else None
        data = read_object(output)
        handoff = data.get("handoff")
        if not isinstance(handoff, dict):
            handoff = {}
        said = (handoff.get("to_step"), handoff.get("to_agent"), *(data.get(key) for key in keys))
        payload = handoff.get("payload")
        if not isinstance(payload, dict):
            given = output if payload is None else payload
            payload = read_object(given) or ({} if given is None else {"output": given})
        return cls(
            data.get("done") is True,
            next((name for name in said if name not in (None, "", False)), None),
            payload,
            text_of(handoff.get("instructions") or data.get("instructions")),
            text_of(data.get("feedback")),
        )


async def ask(
    run: Run,
    step: StepSpec,
    choices: Sequence[StepSpec],
    keys: Sequence[str],
    taken: Container[str],
    *,
    feedback: str,
    names: Mapping[str, Any],
    tolerate: bool = False,
) -> tuple[StepOutcome, Wish, StepSpec | None]:
    """Take a step whose output may name the next one, and return that one, too.

    When it names none of the choices, the step is taken again, with the names that there are as feedback, at most
    ``policy.retry.max_retries`` times.

    Raises:
        AgentError: It still names none of them.
    """
    known = ", ".join(repr(choice.name) for choice in choices)
    for _ in range(run.spec.policy.retry.max_retries + 1):
        outcome = await run.step(step, feedback=feedback, names=names, tolerate=tolerate)
        wish = Wish.of(outcome, keys)
        chosen = _find(wish.to, choices, taken)
        if wish.done or wish.to is None or chosen is not None:
            return outcome, wish, chosen
        feedback = f"The next step cannot be {wish.to!r}: there is no such step. Name one of: {known}."
    raise AgentError(
        f"step {step.name!r} names {wish.to!r} as the next step, which is none of: {known}",
        remedy=f"Tell agent {step.agent!r} in its prompt which steps there are.",
    )


def feedback_for(step: StepSpec, wish: Wish) -> str:
    """Return what the next step is told; its instructions, too, unless its prompt has a place for them."""
    instructions = "" if "handoff" in step.prompt_template else wish.instructions
    return "\n\n".join(text for text in (instructions, wish.feedback) if text)


def _find(name: Any, choices: Sequence[StepSpec], taken: Container[str]) -> StepSpec | None:
    """Return the step of that name, or else a step of the agent of that name, one not yet taken first."""
    by_name = [step for step in choices if step.name == name]
    by_agent = [step for step in choices if name and step.agent == name]
    fresh = [step for step in by_agent if step.name not in taken]
    return next(iter([*by_name, *fresh, *by_agent]), None)
