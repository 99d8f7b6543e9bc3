"""A pattern: every step in order; one that has failed gets a second turn, with what was wrong."""

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.models import End
from loopengt_hookspecs.patterns import Pattern, Run
from loopengt_hookspecs.registration import Register


async def second_chance(run: Run) -> End | None:
    """Decide from outcomes alone: after a crash the function is called anew, and must ask for the same steps."""
    for step in run.spec.steps:
        outcome = await run.step(step, tolerate=True, retry_gates=False)
        if not outcome.passed:
            await run.step(step, feedback=outcome.feedback)
    return None


@hookimpl
def loopengt_register_patterns(register: Register[Pattern]) -> None:
    register("second_chance", second_chance, summary="In order, with a second turn for what failed")
