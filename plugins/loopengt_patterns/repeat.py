"""The pattern ``repeat``: all steps, lap after lap, until the gates or the stop conditions say so."""

from __future__ import annotations

from loopengt_hookspecs.models import End, EndReason, LoopSpec
from loopengt_hookspecs.patterns import Run, StepOutcome
from loopengt_patterns.ordering import in_order

__all__ = ["repeat"]


async def repeat(run: Run) -> End | None:
    """Take all steps, each after those it depends on, lap after lap, until a lap is good.

    Each lap starts afresh: what the steps know of the laps before is what still fails, in ``{feedback}``. A failed
    gate is therefore not retried within the lap, unless it aborts the run. The limits that bound the laps are
    checked before every turn.

    A lap is good when no step has failed, every gate passed when its step was last taken, and, where a ``goal_met``
    condition gives an expression, that holds too. A skipped step leaves the verdict on it as it was. Without gates
    and such a condition only the other stop conditions end the run.

    An agent's error makes the lap fail, and ends it with ``policy.fail_fast``; more such laps in a row than
    ``policy.retry.max_retries`` fail the run.
    """
    steps = in_order(run.spec.steps)
    goal = goal_expression(run.spec)
    gated = any(step.verification_gates for step in steps)
    failing: dict[str, StepOutcome] = {}
    errors = lap = 0
    feedback = ""
    while True:
        lap += 1
        erred = False
        for step in steps:
            outcome = await run.step(
                step, feedback=feedback, names={"lap": lap}, retry_gates=False, tolerate=True
            )
            if not outcome.skipped:
                failing.pop(step.name, None)
            if not outcome.passed:
                failing[step.name] = outcome
            if outcome.error is not None:
                erred = True
                if run.spec.policy.fail_fast:
                    break
        if not failing and (run.evaluate(goal) if goal else gated):
            return End(
                EndReason.GOAL_MET, f"every gate of lap {lap} passed" if gated else f"goal_met: {goal}"
            )
        feedback = "\n\n".join(outcome.feedback for outcome in failing.values())
        errors = errors + 1 if erred else 0
        if errors > run.spec.policy.retry.max_retries:
            return End(EndReason.FAILED, f"{errors} laps in a row ended with an error; the last: {feedback}")


def goal_expression(spec: LoopSpec) -> str:
    """Return the expression of the spec's ``goal_met`` condition; empty without one or when it is just true."""
    for condition in spec.stop_conditions:
        if condition.condition_type == "goal_met" and isinstance(condition.value, str):
            text = condition.value.strip()
            if text.lower() not in ("", "true"):
                return text
    return ""
