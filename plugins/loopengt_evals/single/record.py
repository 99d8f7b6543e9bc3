"""Writes what was found as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt.evaluating import Evaluation

__all__ = ["to_json"]


def to_json(found: Sequence[Evaluation]) -> str:
    """Return a JSON array with one object a run; docs/evals.md tells its keys."""
    return json.dumps([_record(run) for run in found], indent=2)


def _record(run: Evaluation) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "loop": run.loop,
        "status": run.status,
        "reason": run.reason,
        "unknown_costs": run.unknown_costs,
        "metrics": dict(run.metrics),
        "metric_errors": run.metrics.errors,
        "judges": [score.model_dump(mode="json") for score in run.scores],
        "judge_errors": run.errors,
        "passed": run.passed if run.scores or run.errors else None,
        "recorded": run.recorded,
        "evaluation": run.evaluation_id if run.recorded else None,
        "unrecorded": None if run.unrecorded is None else str(run.unrecorded),
        "damage": None if run.damage is None else str(run.damage),
    }
