"""The pattern ``repeat``: all steps, lap after lap, until the gates or the stop conditions say so."""

from __future__ import annotations

from loopengt_hookspecs.models import End, EndReason, LoopSpec
from loopengt_hookspecs.patterns import Run, StepOutcome
from loopengt_patterns.ordering import in_order

__all__ = ["repeat"]


async def repeat(run: Run) -> End | None:
    """Take laps until one passes.

    Each lap starts afresh: what the steps know of the lap before is its failures, in ``{feedback}``. A failed gate
    is therefore not retried within the lap. The limits that bound the laps are checked before every turn.

    A lap is good when every step completed, every gate passed and, where a ``goal_met`` condition gives an
    expression, that holds too. Without gates and such a condition only the other stop conditions end the
    run. Errors of agents make a lap fail; more of them in a row than ``policy.retry.max_retries`` fail the
    run.
    """
    steps = in_order(run.spec.steps)
    goal = goal_expression(run.spec)
    gated = any(step.verification_gates for step in steps)
    feedback = ""
    errors = lap = 0
    while True:
        lap += 1
        outcomes: list[StepOutcome] = []
        for step in steps:
            outcome = await run.step(
                step, feedback=feedback, names={"lap": lap}, retry_gates=False, tolerate=True
            )
            outcomes.append(outcome)
            if outcome.error is not None and run.spec.policy.fail_fast:
                break
        failed = [outcome for outcome in outcomes if not outcome.passed]
        if not failed and (run.evaluate(goal) if goal else gated):
            return End(
                EndReason.GOAL_MET, f"every gate of lap {lap} passed" if gated else f"goal_met: {goal}"
            )
        feedback = "\n\n".join(outcome.feedback for outcome in failed)
        errors = errors + 1 if any(outcome.error is not None for outcome in outcomes) else 0
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
