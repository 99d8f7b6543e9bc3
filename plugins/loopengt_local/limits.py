"""What stands between a pattern and its next turn: the limits of the run, and the steps that come first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING

from loopengt.prices import unheld_budgets
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import End, EndReason, StepStatus
from loopengt_local.control import EndRun
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt_hookspecs.models import AgentRole, LoopSpec
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.run import LocalRun

__all__ = [
    "check_added",
    "check_limits",
    "max_turns",
    "raised",
    "refuse_unheld",
    "time_limit",
    "time_over",
    "unmet_dependency",
]

_ADDABLE = {
    "turns": "max_turns",
    "seconds": "max_total_time_seconds",
    "tokens": "max_tokens",
    "cost_usd": "max_cost_usd",
}
"""What can be added to a run's limits, and how the journal calls each limit."""


def check_limits(run: LocalRun, turn: int) -> None:
    """End the run before a turn that it may not take.

    Args:
        run: The run.
        turn: The turn's number, from 1.

    Raises:
        EndRun: It may not take it.
    """
    if run.stop_requested is not None:
        raise EndRun(run.stop_requested)
    # First what the loop says of itself: a goal that is met with the last turn is met.
    for rule in run.compiled.stop_rules:
        end = rule.check(run)
        if end is not None:
            raise EndRun(end)
    if run.watch is not None:
        run.watch.check()
    most = run.compiled.max_turns + run.fold.added.get("turns", 0)
    if turn > most:
        words = f"{turn - 1} turn{' was' if turn == 2 else 's were'} taken" + (
            f", {turn - 1 - most:g} too many" if turn - 1 > most else ""
        )
        run.journal.note("budget.exceeded", None, {"budget": "max_turns", "used": turn - 1, "limit": most})
        raise EndRun(End(EndReason.EXHAUSTED, f"max_turns: {words}"))


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


def max_turns(spec: LoopSpec) -> int:
    """Return the most turns that a run may take, as its spec declares."""
    policy = spec.policy
    return min(policy.max_turns, policy.budget.max_turns or policy.max_turns)


def time_limit(spec: LoopSpec) -> float:
    """Return the seconds that a run may be driven, as its policy declares."""
    policy = spec.policy
    return min(policy.max_total_time_seconds, policy.budget.max_seconds or policy.max_total_time_seconds)


def time_over(run: LocalRun) -> End:
    """Return how a run ends whose time is over."""
    limit, used = run.time_limit, run.elapsed_now
    words = f"{limit:g} seconds are over" + (f", {used - limit:.3g} too many" if used - limit >= 1 else "")
    name = _name_of_time_limit(run)
    run.journal.note("budget.exceeded", None, {"budget": name, "used": round(used, 3), "limit": limit})
    return End(EndReason.EXHAUSTED, f"{name}: {words}")


def _name_of_time_limit(run: LocalRun) -> str:
    declared = zip(run.spec.stop_conditions, run.compiled.stop_rules, strict=True)
    own = time_limit(run.spec)
    for condition, rule in declared:
        if getattr(rule, "time_limit", own) == run.compiled.time_limit < own:
            return f"stop condition {condition.condition_type}"
    return "time limit"


def check_added(added: Mapping[str, float]) -> None:
    """Refuse what cannot be added to a run's limits.

    Raises:
        UsageError: A key that names no limit, or an amount that is none.
    """
    for key, amount in added.items():
        whole = isinstance(amount, int) or key not in ("turns", "tokens")
        if key not in _ADDABLE or not 0 < amount < inf or not whole:
            raise UsageError(
                f"the budget cannot be raised by {key}={amount!r}",
                remedy=f"Give one of {', '.join(_ADDABLE)} an amount above 0; turns and tokens a whole one.",
            )


def raised(limits: Mapping[str, float], added: Mapping[str, float]) -> dict[str, float]:
    """Return the limits of a run as of now.

    Args:
        limits: Those that it began with, as its journal tells them.
        added: What was added since, as ``ResumeRequest.add_budget`` has it.
    """
    more = {_ADDABLE[key]: amount for key, amount in added.items()}
    return {name: limit + more.get(name, 0) for name, limit in limits.items()}


def refuse_unheld(spec: LoopSpec, bind: Callable[[AgentRole], object]) -> None:
    """Refuse a loop with a budget in US dollars that nobody could hold.

    Args:
        spec: The loop.
        bind: Returns the agent of a role.

    Raises:
        UsageError: It names the budgets and the agents, and the ways out.
    """
    unheld = [(message, ways) for _, message, ways in unheld_budgets(spec, bind)]
    if unheld:
        said = "; ".join(message for message, _ in unheld)
        raise UsageError(f"loop {spec.name!r}: {said}", remedy=f"Mend it in the spec: {unheld[0][1]}.")
