"""Computes the figures of a run from its journal."""

from __future__ import annotations

from collections import Counter
from time import time
from typing import TYPE_CHECKING

from loopengt_hookspecs.models import StepStatus
from loopengt_mcp.server.models import Evaluation

if TYPE_CHECKING:
    from loopengt_mcp.server.following import Followed
    from loopengt_mcp.server.models import RunState

__all__ = ["evaluation"]


def evaluation(run: Followed, state: RunState) -> Evaluation:
    """Return the figures of a run up to now.

    Args:
        run: What its journal comes to.
        state: Where it stands.
    """
    fold, counts = run.fold, run.counts
    statuses = Counter(known.status for known in fold.steps.values())
    total = len({*fold.step_index, *fold.steps})
    completed = statuses[StepStatus.COMPLETED]
    ended = time() if state.driven_by else fold.ended_at or fold.at
    return Evaluation(
        run_id=state.run_id,
        loop=state.loop,
        run_status=state.status,
        reason=state.reason,
        total_turns=fold.turn,
        total_steps=total,
        completed_steps=completed,
        failed_steps=statuses[StepStatus.FAILED],
        success_rate=round(completed / total, 4) if total else 0.0,
        total_duration=round(max(0.0, ended - fold.started_at), 3),
        driven_seconds=round(fold.elapsed, 3),
        gates_passed=counts["gate.pass"],
        gates_failed=counts["gate.fail"],
        retries=counts["step.retry"] - run.waits,
        tokens=fold.tokens,
        cost_usd=round(fold.cost_usd, 6),
        unknown_costs=fold.unknown_costs,
    )
