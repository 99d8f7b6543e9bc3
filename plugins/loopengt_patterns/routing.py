"""Takes a step whose output may name the next one, and asks again when there is no such step."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import StepSpec
from loopengt_hookspecs.patterns import Run, StepOutcome
from loopengt_patterns.wishes import Wish

__all__ = ["ask"]


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
    """Take a step, and return the step that its output names as the next one, too; None when it names none.

    When it names something that is not among the choices, it is taken again, with the names that there are as
    feedback, at most ``policy.retry.max_retries`` times.

    Args:
        run: The run.
        step: The step.
        choices: Steps that it may name, by their own name or that of their agent.
        keys: Keys of its output that may hold the name, beside ``to_step`` and ``to_agent`` in ``handoff``.
        taken: Names of the steps that were taken already; of an agent's steps another one comes first.
        feedback: As for ``Run.step``.
        names: As for ``Run.step``.
        tolerate: As for ``Run.step``.

    Raises:
        AgentError: It still names none of them.
    """
    for _ in range(run.spec.policy.retry.max_retries + 1):
        outcome = await run.step(step, feedback=feedback, names=names, tolerate=tolerate)
        wish = Wish.of(outcome, keys)
        if wish.done or wish.to is None:
            return outcome, wish, None
        named = [choice for choice in choices if wish.to in (choice.name, choice.agent)]
        if named:
            # A step's own name goes before that of an agent; of an agent's steps a new one, and another one, first.
            known = min(named, key=lambda each: (each.name != wish.to, each is step, each.name in taken))
            return outcome, wish, known
        there_are = ", ".join(repr(choice.name) for choice in choices)
        feedback = f"There is no step {wish.to!r} to come next. Name one of: {there_are}."
    raise AgentError(
        f"step {step.name!r} names {wish.to!r} as the next step, but there is only: {there_are}",
        remedy=f"Say in the prompt of step {step.name!r} which steps there are.",
    )
