"""A pattern of this project's own: finds the first bad version by halving."""

from __future__ import annotations

from loopengt_hookspecs.models import End, EndReason
from loopengt_hookspecs.patterns import Run


async def bisect(run: Run) -> End:
    """Take the first step on one version after the other, which it finds as ``{item}``, until just one is left.

    It is an ordinary async function. All that it decides from comes from the run, so that a run that was broken off
    is resumed by calling it again: the steps that are recorded return at once.
    """
    probe = run.spec.steps[0]
    good, bad = -1, len(run.state.context["versions"]) - 1
    while bad - good > 1:
        middle = (good + bad) // 2
        outcome = await run.step(probe, names={"item": run.state.context["versions"][middle]})
        good, bad = (middle, bad) if outcome.output["good"] else (good, middle)
    first = run.state.context["versions"][bad]
    await run.decide("first bad version", first)
    return End(EndReason.GOAL_MET, f"the first bad version is {first}")
