"""What stands between a pattern and its next turn: the limits of the run, and the steps that come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.models import End, EndReason, StepStatus
from loopengt_local.control import EndRun
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.run import LocalRun

__all__ = ["check_limits", "unmet_dependency"]


def check_limits(run: LocalRun, turn: int) -> None:
    """End the run before a turn that it may not take.

    Args:
        run: The run.
        turn: The turn's number, from 1.

    Raises:
        EndRun: It may not take it.
    """
    policy = run.spec.policy
    if run.stop_requested is not None:
        raise EndRun(run.stop_requested)
    if turn > policy.max_turns:
        raise _exhausted(run, "max_turns", turn - 1, policy.max_turns, f"{policy.max_turns} turns were taken")
    budget = policy.budget
    if budget.max_tokens is not None and run.tokens >= budget.max_tokens:
        used = f"{run.tokens} of {budget.max_tokens} tokens are used"
        raise _exhausted(run, "budget.max_tokens", run.tokens, budget.max_tokens, used)
    if budget.max_cost_usd is not None and run.cost_usd >= budget.max_cost_usd:
        used = f"{run.cost_usd:.4f} of {budget.max_cost_usd:g} USD are spent"
        raise _exhausted(run, "budget.max_cost_usd", run.cost_usd, budget.max_cost_usd, used)
    for rule in run.compiled.stop_rules:
        end = rule.check(run)
        if end is not None:
            raise EndRun(end)


def unmet_dependency(run: LocalRun, step: CompiledStep) -> str:
    """Say why a step is skipped: one that it depends on failed or was skipped, or a condition is false.

    Raises:
        EndRun: A step that it depends on has not run yet.
        ExpressionError: A condition has no value.
    """
    for name, condition in step.dependencies:
        known = run.fold.steps.get(name)
        if known is None or known.outcome is None:
            detail = f"step {step.name!r} depends on {name!r}, which has not run yet"
            raise EndRun(End(EndReason.FAILED, f"pattern {run.spec.pattern!r}: {detail}"))
        if known.status in (StepStatus.FAILED, StepStatus.SKIPPED):
            return f"{name} {known.status.value}"
        if condition is not None and not condition.truth(RunScope(run, {}, result=known.outcome)):
            return f"not {name}: {condition.text}"
    return ""


def _exhausted(run: LocalRun, budget: str, used: float, limit: float, words: str) -> EndRun:
    run.journal.note("budget.exceeded", None, {"budget": budget, "used": used, "limit": limit})
    return EndRun(End(EndReason.EXHAUSTED, f"{budget}: {words}"))
