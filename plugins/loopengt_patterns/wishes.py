"""What an agent's output says of how to go on: whether all is done, who comes next, and what that one is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopengt_hookspecs.models import StepSpec
from loopengt_hookspecs.patterns import StepOutcome
from loopengt_patterns.reading import read_object, text_of

__all__ = ["NO_HANDOFF", "Wish", "feedback_for"]

NO_HANDOFF: Mapping[str, Any] = {"from_agent": "", "payload": {}, "instructions": ""}
"""``{handoff}`` in the prompt of a step to which nobody has handed anything."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an agent's output says of how to go on. A step that failed, or was skipped, says nothing."""

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
    def of(cls, outcome: StepOutcome, keys: Sequence[str] = ()) -> Wish:
        """Read a step's output; ``keys`` may name who comes next, as ``to_step`` and ``to_agent`` in ``handoff`` do."""
        output = outcome.output if outcome.error is None else None
        data = read_object(output)
        handoff = data.get("handoff")
        if not isinstance(handoff, dict):
            handoff = {}
        said = (handoff.get("to_step"), handoff.get("to_agent"), *(data.get(key) for key in keys))
        payload = handoff.get("payload")
        if payload is None:
            payload = output
        return cls(
            data.get("done") is True,
            next((name for name in said if name not in (None, "", False)), None),
            read_object(payload) or ({} if payload is None else {"output": payload}),
            text_of(handoff.get("instructions") or data.get("instructions")),
            text_of(data.get("feedback")),
        )


def feedback_for(step: StepSpec, wish: Wish) -> str:
    """Return what the next step is told: the feedback, and the instructions where its prompt does not name them."""
    instructions = "" if "handoff" in step.prompt_template else wish.instructions
    return "\n\n".join(text for text in (instructions, wish.feedback) if text)
