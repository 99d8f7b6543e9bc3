"""The pattern ``evaluator_optimizer``: the first step judges, the others improve, until the judge is satisfied."""

from __future__ import annotations

import json
from typing import Any

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import End, EndReason, LoopSpec
from loopengt_hookspecs.patterns import Run

__all__ = ["evaluator_optimizer"]

DEFAULT_THRESHOLD = 0.8


async def evaluator_optimizer(run: Run) -> End | None:
    """Judge, and improve until the judge says ``passed``/``approved``, or a ``score``/``quality`` high enough.

    Raises:
        UsageError: The loop has fewer than two steps.
    """
    judge, *improvers = run.spec.steps
    if not improvers:
        raise UsageError(
            f"loop {run.spec.name!r} has one step, but the pattern evaluator_optimizer needs two",
            remedy="Add a second step, which improves what the first one judges.",
        )
    threshold = quality_threshold(run.spec)
    lap = 0
    while True:
        lap += 1
        judged = (await run.step(judge, names={"lap": lap})).output
        verdict = read_verdict(judged, threshold)
        if verdict is None:
            return End(
                EndReason.FAILED,
                f"step {judge.name!r} judges, but its output has none of passed, approved, score, quality",
            )
        accepted, why = verdict
        if accepted:
            return End(EndReason.GOAL_MET, f"step {judge.name!r} is satisfied: {why}")
        for step in improvers:
            await run.step(step, feedback=feedback_of(judged), names={"lap": lap})


def quality_threshold(spec: LoopSpec) -> float:
    """Return the score from which the judge counts as satisfied."""
    for condition in spec.stop_conditions:
        value = condition.value
        if condition.condition_type == "quality_threshold" and isinstance(value, int | float):
            return float(value)
    return DEFAULT_THRESHOLD


def read_verdict(output: Any, threshold: float) -> tuple[bool, str] | None:
    """Return whether a judge's output accepts, and why; None when it says neither."""
    if not isinstance(output, dict):
        return None
    for key in ("passed", "approved"):
        if isinstance(output.get(key), bool):
            return output[key], f"{key} is {str(output[key]).lower()}"
    for key in ("score", "quality"):
        score = output.get(key)
        if isinstance(score, int | float) and not isinstance(score, bool):
            return score >= threshold, f"{key} {score:g}, threshold {threshold:g}"
    return None


def feedback_of(output: Any) -> str:
    """Return what the improving steps are told: the judge's own words, or its whole output."""
    if isinstance(output, dict):
        for key in ("feedback", "reasoning", "issues"):
            if output.get(key):
                found = output[key]
                return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
