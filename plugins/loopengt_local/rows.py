"""Makes a run's line in listings, and counts what is not at its end when the run rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import End, RunStatus
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from loopengt.journal import Fold
    from loopengt_local.run import LocalRun

__all__ = ["row_of", "under_way"]


def under_way(run: LocalRun) -> dict[str, Any]:
    """Return tokens, cost_usd and unknown_costs of what is not at its end: child runs, and attempts with calls."""
    used = {"tokens": 0, "cost_usd": 0.0, "unknown_costs": 0}
    if run.children is not None and run.children.open:
        used |= run.children.under_way()
    for opened in run.fold.open.values():
        if opened.use is not None and (step := run.compiled.steps.get(opened.declared)) is not None:
            use = opened.use
            told = not use.unpriced or step.pricing.free
            cost = use.cost_usd if told else step.pricing.estimate(use.token_usage, called=True)
            used["tokens"] += use.tokens
            used["cost_usd"] += cost or 0.0
            used["unknown_costs"] += cost is None
    return used


def row_of(
    fold: Fold, status: RunStatus, *, end: End | None = None, run_id: str = "", loop_name: str = ""
) -> RunRow:
    """Make a run's line in listings from its folded state."""
    over = end is not None and status is not RunStatus.PAUSED
    return RunRow(
        run_id=fold.run_id or run_id,
        loop_name=fold.loop_name or loop_name,
        status=status.value,
        reason=end.reason.value if end is not None else None,
        detail=end.detail if end is not None else "",
        turn=fold.turn,
        tokens=fold.tokens,
        cost_usd=fold.cost_usd,
        started_at=fold.started_at,
        completed_at=fold.at if over else None,
        parent=fold.header.get("parent"),
    )
