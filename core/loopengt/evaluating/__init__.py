"""Evaluates recorded runs: reads them, computes their metrics, and has judges score them.

::

    async with kernel.storage() as storage:
        found = await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="exact")], expected="42")
        found.metrics["tokens"], found.scores[0].passed, found.errors
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from loopengt.evaluating.declared import judge_specs, read_data
    from loopengt.evaluating.evaluation import Evaluation, evaluate
    from loopengt.evaluating.measuring import Figures, check_metrics, measure
    from loopengt.evaluating.reading import read_recorded, read_what_is_there
    from loopengt.evaluating.subjects import subject_of
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "declared": ("judge_specs", "read_data"),
            "evaluation": ("Evaluation", "evaluate"),
            "measuring": ("Figures", "check_metrics", "measure"),
            "reading": ("read_recorded", "read_what_is_there"),
            "subjects": ("subject_of",),
        },
    )

__all__ = [
    "Evaluation",
    "Figures",
    "check_metrics",
    "evaluate",
    "judge_specs",
    "measure",
    "read_data",
    "read_recorded",
    "read_what_is_there",
    "subject_of",
]
