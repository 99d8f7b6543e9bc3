"""The pattern ``sequential``: every step once, in declaration order."""

from __future__ import annotations

from loopengt_hookspecs.models import End
from loopengt_hookspecs.patterns import Run
from loopengt_patterns.ordering import in_order

__all__ = ["sequential"]


async def sequential(run: Run) -> End | None:
    """Take the steps in order; the first failed one ends the run, unless ``fail_fast`` is off."""
    tolerate = not run.spec.policy.fail_fast
    for step in in_order(run.spec.steps):
        await run.step(step, tolerate=tolerate)
    return None
