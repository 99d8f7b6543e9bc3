"""The pattern ``handoff``: each agent hands its work to the next, and every transfer is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import End, EndReason, HandoffContext, HandoffProtocol, StepSpec
from loopengt_hookspecs.patterns import Run
from loopengt_patterns.ordering import in_order, needed_by
from loopengt_patterns.routing import NO_HANDOFF, Wish, ask, feedback_for
from loopengt_patterns.supervisor_worker import supervise
from loopengt_patterns.walking import walk

__all__ = ["handoff"]

NAMES_NEXT = ("handoff_to",)
"""Keys of an output, beside ``handoff.to_step`` and ``handoff.to_agent``, that name the receiver."""


async def handoff(run: Run) -> End | None:
    """Pass the work on from agent to agent as ``handoff.protocol`` says: direct, via_supervisor or broadcast.

    The receiver's prompt has it as ``{handoff.payload}``, ``{handoff.instructions}`` and ``{handoff.from_agent}``. An
    output may carry ``handoff: {payload, instructions}``; without a payload the whole output is handed on.

    Raises:
        UsageError: A step is a loop of its own; only agents take part in a handoff.
    """
    for step in run.spec.steps:
        if not step.agent:
            raise UsageError(
                f"step {step.name!r} is a loop of its own, but only agents hand work to each other",
                remedy="Give the step an agent, or take another pattern, such as sequential.",
            )
    named = run.spec.handoff.supervisor
    first = next((step for step in run.spec.steps if step.name == named), run.spec.steps[0])
    if run.spec.handoff.protocol is HandoffProtocol.BROADCAST:
        return await broadcast(run, first)
    if run.spec.handoff.protocol is HandoffProtocol.VIA_SUPERVISOR:
        # As supervisor_worker, except that each step given to a worker, and back, is a recorded handoff.
        return await supervise(run, first, lambda giver, taker, wish: pass_on(run, giver, taker, wish))
    return await direct(run)


async def direct(run: Run) -> End | None:
    """Pass the work from step to step, in order, unless an output names the receiver.

    It does so with ``handoff: {to_step}`` or ``{to_agent}``, or with ``handoff_to``, which is either; steps may be taken
    again that way, as often as ``policy.max_turns`` lets them. What the receiver depends on is handed the work
    first. The run is over when the last step in order names nobody, or when ``done`` is true. A step that is
    skipped, or fails without ``policy.fail_fast``, hands on nothing: the next one receives what it would have.
    """
    steps = in_order(run.spec.steps)
    taken: set[str] = set()
    received, told = NO_HANDOFF, ""
    giver, given = None, None
    ahead = steps[:1]
    while ahead:
        step, *ahead = ahead
        if giver is not None and given is not None:
            received, told = await pass_on(run, giver, step, given), feedback_for(step, given)
        outcome, wish, chosen = await ask(
            run, step, steps, NAMES_NEXT, taken, feedback=told, names={"handoff": received},
            tolerate=not run.spec.policy.fail_fast,
        )  # fmt: skip
        taken.add(step.name)
        if wish.done:
            return End(EndReason.GOAL_MET, f"step {step.name!r} says that the work is done")
        if outcome.error is None and not outcome.skipped:
            giver, given = step, wish
        if chosen is not None:
            ahead = [*needed_by(chosen, steps, taken), chosen]
        elif not ahead:
            ahead = steps[steps.index(step) + 1 :][:1]
            ahead = [*needed_by(ahead[0], steps, taken), *ahead] if ahead else []
    if len(taken) < len(steps):
        return End(EndReason.GOAL_MET, f"step {step.name!r} is the last in order and hands on to nobody")
    return None


async def broadcast(run: Run, first: StepSpec) -> End | None:
    """Hand the work of one step to all others, which take it up at the same time, within their dependencies."""
    steps = in_order(run.spec.steps)
    before = needed_by(first, steps, ())
    for step in before:
        await run.step(step, names={"handoff": NO_HANDOFF}, tolerate=not run.spec.policy.fail_fast)
    outcome = await run.step(first, names={"handoff": NO_HANDOFF})
    wish = Wish.of(outcome, ())
    if wish.done:
        return End(EndReason.GOAL_MET, f"step {first.name!r} says that the work is done")
    others = [step for step in steps if step is not first and step not in before]
    handed = {step.name: {"handoff": await pass_on(run, first, step, wish)} for step in others}
    await walk(run, others, handed)
    return None


async def pass_on(run: Run, giver: StepSpec, taker: StepSpec, wish: Wish) -> Mapping[str, Any]:
    """Record that one step's agent hands its work to another's, and return what the receiver sees."""
    context = HandoffContext(
        from_agent=giver.agent,
        to_agent=taker.agent,
        protocol=run.spec.handoff.protocol,
        payload=wish.payload,
        instructions=wish.instructions,
        metadata={"from_step": giver.name, "to_step": taker.name},
    )
    return (await run.hand_off(context)).model_dump(mode="json")
