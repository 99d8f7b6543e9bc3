"""The pattern ``sequential``: every step once, in declaration order."""

from __future__ import annotations

from loopengt_hookspecs.models import End
from loopengt_hookspecs.patterns import Run
from loopengt_patterns.ordering import in_order
from loopengt_patterns.walking import walk

__all__ = ["sequential"]


async def sequential(run: Run) -> End | None:
    """Take every step once, in declaration order, but each after those that it depends on.

    With ``policy.allow_parallel`` the order is that of the dependencies alone: steps that do not depend on each other
    are taken at the same time, as in ``parallel_fan_out``.

    A step is skipped when one that it depends on failed or was skipped, or when a condition on it is false. The first
    failed step ends the run; without ``policy.fail_fast`` the steps that do not depend on it are still taken, and
    the run ends failed, or blocked by the gate, all the same.
    """
    if run.spec.policy.allow_parallel:
        await walk(run, run.spec.steps)
        return None
    for step in in_order(run.spec.steps):
        await run.step(step, tolerate=not run.spec.policy.fail_fast)
    return None
