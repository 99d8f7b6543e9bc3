"""The pattern ``supervisor_worker``: the first step decides which of the others comes next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from loopengt_hookspecs.models import End, EndReason, StepSpec
from loopengt_hookspecs.patterns import Run, StepOutcome
from loopengt_patterns.ordering import in_order, needed_by
from loopengt_patterns.routing import ask
from loopengt_patterns.wishes import NO_HANDOFF, Wish, feedback_for

__all__ = ["supervise", "supervisor_worker"]

NAMES_NEXT = ("next_step", "next_worker")
"""Keys of a supervisor's output that name the next worker."""

PassOn = Callable[[StepSpec, StepSpec, Wish], Awaitable[Mapping[str, Any]]]
"""Hands the work of one step to another and returns what the receiver's prompt knows as ``handoff``."""


async def supervisor_worker(run: Run) -> End | None:
    """Let the first step decide, at first and after each worker's turn, which of the other steps, the workers, is next.

    - Its output names it with ``next_step`` or ``next_worker``: a worker, or a worker's agent. A name that none of
      them has is answered with those that there are, ``policy.retry.max_retries`` times; then the run fails.
    - When it names none, the first worker that was not taken yet is next. When there is none left, or ``done`` is
      true, the run is over; it is a success only when no step has failed and every gate has passed.
    - ``instructions`` and ``feedback`` in its output go to the worker, whose prompt has them as
      ``{handoff.instructions}`` and ``{feedback}``. The supervisor hears in ``{feedback}`` what went wrong, and finds
      the workers' outputs in ``{steps.NAME.output}``, that of the last one in ``{handoff.payload}``.
    - What a worker depends on and was not taken yet is taken before it, without asking the supervisor.
    - A failed worker ends the run; without ``policy.fail_fast`` the supervisor hears of it, and may send it again. A
      supervisor that fails always ends the run.
    """

    async def pass_on(giver: StepSpec, taker: StepSpec, wish: Wish) -> Mapping[str, Any]:
        return {"from_agent": giver.agent, "payload": wish.payload, "instructions": wish.instructions}

    return await supervise(run, run.spec.steps[0], pass_on)


async def supervise(run: Run, supervisor: StepSpec, pass_on: PassOn) -> End | None:
    """Do what ``supervisor_worker`` says, with any step as the supervisor and any way to hand work over."""
    steps = in_order(run.spec.steps)
    workers = [step for step in steps if step.name != supervisor.name]
    tolerate = not run.spec.policy.fail_fast
    handoff, trouble = NO_HANDOFF, ""
    taken = {supervisor.name}
    for step in needed_by(supervisor, steps, taken):
        await run.step(step, names={"handoff": NO_HANDOFF}, tolerate=tolerate)
        taken.add(step.name)
    while True:
        names = {"handoff": handoff}
        _, wish, worker = await ask(
            run, supervisor, workers, NAMES_NEXT, taken, feedback=trouble, names=names
        )
        if wish.done:
            reason = EndReason.GOAL_MET if len(taken) > 1 else EndReason.NOTHING_TO_DO
            return End(reason, f"step {supervisor.name!r} says that the work is done")
        worker = worker or next((step for step in workers if step.name not in taken), None)
        if worker is None:
            return None
        troubles = []
        for step in [*needed_by(worker, workers, taken), worker]:
            names = {"handoff": await pass_on(supervisor, step, wish)}
            outcome = await run.step(step, feedback=feedback_for(step, wish), names=names, tolerate=tolerate)
            taken.add(step.name)
            troubles.append(trouble_of(outcome))
        trouble = "\n\n".join(filter(None, troubles))
        handoff = await pass_on(worker, supervisor, Wish.of(outcome))


def trouble_of(outcome: StepOutcome) -> str:
    """Return what a supervisor must hear of a worker's outcome; empty when all is well."""
    if outcome.skipped:
        return f"Step {outcome.step!r} was skipped: {outcome.metadata.get('skipped', '')}."
    return "" if outcome.passed else f"Step {outcome.step!r} did not succeed: {outcome.feedback}"
