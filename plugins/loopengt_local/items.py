"""Executes a step with ``for_each``: an instance for each item of its list, and what they come to together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopengt import ExpressionError
from loopengt_hookspecs.models import End, EndReason
from loopengt_local.control import EndRun
from loopengt_local.limits import unmet_dependency
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.run import LocalRun

__all__ = ["take_each"]

_KINDS = {str: "text", dict: "a mapping", bool: "true or false", type(None): "nothing"}
_MOST_SHOWN = 5
"""Failed items that an error tells of in full."""


async def take_each(
    run: LocalRun,
    step: CompiledStep,
    feedback: str,
    names: Mapping[str, Any] | None,
    retry_gates: bool,
    tolerate: bool,
    parallel: bool,
) -> StepOutcome:
    """Take a turn for each item, and gather the outcomes; see ``Run.step``.

    Where there is no item to take a turn for, the step itself takes one.
    """
    occurrence = run.next_occurrence(step.name)
    unmet = unmet_dependency(run, step)
    if unmet:
        return await run.settle(step, occurrence, "step.complete", {"skipped": unmet}, turn=True)

    async def take(instance: CompiledStep, item: Any) -> StepOutcome:
        outcome = await run.take(instance, feedback, {**(names or {}), "item": item}, retry_gates)
        run.bear(step, outcome, tolerate)
        return outcome

    instances = _instances(run, step, names or {})
    if parallel:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(take(*instance)) for instance in instances]
        outcomes = [task.result() for task in tasks]
    else:
        outcomes = [await take(*instance) for instance in instances]
    data: dict[str, Any] = {"items": [outcome.step for outcome in outcomes]}
    if error := _why_failed(outcomes):
        return await run.settle(step, occurrence, "step.error", data | {"error": error}, turn=False)
    return await run.settle(step, occurrence, "step.complete", data, turn=not outcomes)


def _instances(
    run: LocalRun, step: CompiledStep, names: Mapping[str, Any]
) -> Iterator[tuple[CompiledStep, Any]]:
    """Return the instances of a step, each with its item. An instance is called ``STEP[INDEX]``, from 0.

    Raises:
        EndRun: The expression has no value, or gives something other than a list.
    """
    assert step.for_each is not None
    try:
        items = step.for_each.evaluate(RunScope(run, names, result=run.fold.last_outcome))
    except ExpressionError as exc:
        raise EndRun(End(EndReason.FAILED, f"for_each of step {step.name!r}: {exc}")) from exc
    if not isinstance(items, list):
        kind = _KINDS.get(type(items), "a number")
        detail = f"for_each of step {step.name!r} gives {kind}, not a list: {step.for_each.text}"
        raise EndRun(End(EndReason.FAILED, detail))
    return (
        (replace(step, name=f"{step.name}[{index}]", dependencies=()), item)
        for index, item in enumerate(items)
    )


def _why_failed(outcomes: Sequence[StepOutcome]) -> str:
    """Say which instances failed and why; empty when none did."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if not failed:
        return ""
    lines = [f"{outcome.step}: {outcome.feedback}" for outcome in failed[:_MOST_SHOWN]]
    if len(failed) > _MOST_SHOWN:
        lines.append(f"and {len(failed) - _MOST_SHOWN} more")
    return f"{len(failed)} of {len(outcomes)} items failed\n" + "\n".join(lines)
