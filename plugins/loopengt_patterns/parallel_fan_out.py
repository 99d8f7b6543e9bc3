"""The pattern ``parallel_fan_out``: the graph of the dependencies, with all ready steps at the same time."""

from __future__ import annotations

from loopengt_hookspecs.models import End
from loopengt_hookspecs.patterns import Run
from loopengt_patterns.walking import walk

__all__ = ["parallel_fan_out"]


async def parallel_fan_out(run: Run) -> End | None:
    """Take every step once, each as soon as the steps that it depends on have ended.

    At most ``policy.max_concurrency`` execute at a time, the items of a step with ``for_each`` counted singly.

    A step is skipped when one that it depends on failed or was skipped, or when a condition on it is false. The first
    failed step ends the run and cancels the others; without ``policy.fail_fast`` the steps that do not depend on it
    go on, and the run ends failed, or blocked by the gate, all the same.
    """
    await walk(run, run.spec.steps)
    return None
