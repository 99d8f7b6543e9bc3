"""Records that one step's agent hands its work to another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import HandoffContext, LoopSpec, StepSpec
from loopengt_hookspecs.patterns import Run
from loopengt_patterns.wishes import Wish

__all__ = ["check_agents", "pass_on"]


def check_agents(spec: LoopSpec) -> None:
    """Refuse a loop that has steps without an agent.

    Raises:
        UsageError: A step is a loop of its own; only agents take part in a handoff.
    """
    for step in spec.steps:
        if not step.agent:
            raise UsageError(
                f"step {step.name!r} is a loop of its own, but only agents hand work to each other",
                remedy="Give the step an agent, or take another pattern, such as sequential.",
            )


async def pass_on(run: Run, giver: StepSpec, taker: StepSpec, wish: Wish) -> Mapping[str, Any]:
    """Record a handoff, and return what the receiver's prompt knows as ``handoff``."""
    context = HandoffContext(
        from_agent=giver.agent,
        to_agent=taker.agent,
        protocol=run.spec.handoff.protocol,
        payload=wish.payload,
        instructions=wish.instructions,
        metadata={"from_step": giver.name, "to_step": taker.name},
    )
    return (await run.hand_off(context)).model_dump(mode="json")
