"""Walks the graph of the steps' dependencies, with all that are ready at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from loopengt_hookspecs.models import StepSpec
from loopengt_hookspecs.patterns import Run

__all__ = ["walk"]

_NOTHING: Mapping[str, Any] = {}


async def walk(run: Run, steps: Sequence[StepSpec], told: Mapping[str, Mapping[str, Any]] = _NOTHING) -> None:
    """Take each step once, as soon as those of the steps that it depends on have ended.

    A failed step ends the run, and what is under way with it. Without ``fail_fast`` only those that depend on it are
    skipped.

    Args:
        run: The run; it bounds how many steps execute at a time.
        steps: Which steps; what else they depend on must have been taken.
        told: ``feedback`` and ``names`` for ``run.step``, by name of the step.
    """
    tolerate = not run.spec.policy.fail_fast
    # An event, not the task itself, is waited for: a chain of tasks is cancelled by recursion.
    ended = {step.name: asyncio.Event() for step in steps}

    async def take(step: StepSpec) -> None:
        for dependency in step.dependencies:
            if dependency.step_name in ended:
                await ended[dependency.step_name].wait()
        await run.step(step, tolerate=tolerate, parallel=True, **told.get(step.name, _NOTHING))
        ended[step.name].set()

    async with asyncio.TaskGroup() as group:
        for step in steps:
            group.create_task(take(step))
