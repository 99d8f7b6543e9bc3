"""The pattern ``handoff``: each agent hands its work to the next, and every transfer is recorded."""

from __future__ import annotations

from loopengt_hookspecs.models import End, EndReason, HandoffProtocol, StepSpec
from loopengt_hookspecs.patterns import Run
from loopengt_patterns.ordering import in_order, needed_by
from loopengt_patterns.routing import ask
from loopengt_patterns.supervisor_worker import supervise
from loopengt_patterns.transfers import check_agents, pass_on
from loopengt_patterns.walking import walk
from loopengt_patterns.wishes import NO_HANDOFF, Wish, feedback_for

__all__ = ["handoff"]

NAMES_NEXT = ("handoff_to",)
"""Keys of an output that name the receiver, beside ``to_step`` and ``to_agent`` in ``handoff``."""


async def handoff(run: Run) -> End | None:
    """Pass the work on from agent to agent, as ``handoff.protocol`` says: direct, via_supervisor or broadcast.

    The receiver's prompt has it as ``{handoff.payload}``, ``{handoff.instructions}`` and ``{handoff.from_agent}``. An
    output may carry ``handoff: {payload, instructions}``; without a payload the output itself is handed on. Every
    transfer is an event ``handoff`` in the journal.

    via_supervisor is ``supervisor_worker`` with recorded transfers, to each worker and back. The supervisor, or who
    broadcasts, is the step that ``handoff.supervisor`` names, else the first.
    """
    check_agents(run.spec)
    named = run.spec.handoff.supervisor
    first = next((step for step in run.spec.steps if step.name == named), run.spec.steps[0])
    if run.spec.handoff.protocol is HandoffProtocol.VIA_SUPERVISOR:
        return await supervise(run, first, lambda giver, taker, wish: pass_on(run, giver, taker, wish))
    if run.spec.handoff.protocol is HandoffProtocol.BROADCAST:
        return await broadcast(run, first)
    return await direct(run)


async def direct(run: Run) -> End | None:
    """Pass the work from step to step, in order, unless an output names the receiver.

    It does so with ``to_step`` or ``to_agent`` in ``handoff``, or with ``handoff_to``, which is either. Steps may be
    taken again that way, as often as ``policy.max_turns`` lets them; a name that there is not is answered as in
    ``supervisor_worker``. What the receiver depends on and was not taken yet is handed the work first. The run
    is over when the last step in order names nobody, or when ``done`` is true. A step that is skipped, or fails
    without ``policy.fail_fast``, hands on nothing: the next one receives what it would have received.
    """
    steps = in_order(run.spec.steps)
    after = {step.name: later for step, later in zip(steps, [*steps[1:], None], strict=True)}
    tolerate = not run.spec.policy.fail_fast
    received, told = NO_HANDOFF, ""
    giver, given = None, None
    taken: set[str] = set()
    ahead = steps[:1]
    while ahead:
        step, *ahead = ahead
        if giver is not None and given is not None:
            received, told = await pass_on(run, giver, step, given), feedback_for(step, given)
        outcome, wish, chosen = await ask(
            run, step, steps, NAMES_NEXT, taken, feedback=told, names={"handoff": received}, tolerate=tolerate
        )
        taken.add(step.name)
        if wish.done:
            return End(EndReason.GOAL_MET, f"step {step.name!r} says that the work is done")
        if outcome.error is None and not outcome.skipped:
            giver, given = step, wish
        receiver = chosen or (None if ahead else after[step.name])
        if receiver is not None:
            ahead = [*needed_by(receiver, steps, taken), receiver]
    if len(taken) < len(steps):
        return End(EndReason.GOAL_MET, f"step {step.name!r}, the last in order, hands on to nobody")
    return None


async def broadcast(run: Run, first: StepSpec) -> End | None:
    """Hand one step's work to all others, which take it up at the same time, each after those it depends on.

    ``done`` in its output ends the run. What it depends on itself is taken before. When it fails, the run is over.
    """
    steps = in_order(run.spec.steps)
    before = needed_by(first, steps, ())
    names = {"handoff": NO_HANDOFF}
    for step in before:
        await run.step(step, names=names, tolerate=not run.spec.policy.fail_fast)
    outcome = await run.step(first, names=names)
    wish = Wish.of(outcome)
    if wish.done:
        return End(EndReason.GOAL_MET, f"step {first.name!r} says that the work is done")
    told = {}
    for step in steps:
        if step is not first and step not in before:
            handed = NO_HANDOFF if outcome.skipped else await pass_on(run, first, step, wish)
            told[step.name] = {"names": {"handoff": handed}, "feedback": feedback_for(step, wish)}
    await walk(run, [step for step in steps if step.name in told], told)
    return None
