"""Reads a judge's output: whether it accepts, why, and what the others are told."""

from __future__ import annotations

import math
from typing import Any

from loopengt_hookspecs.models import LoopSpec
from loopengt_patterns.reading import read_object, text_of

__all__ = ["feedback_of", "quality_threshold", "read_verdict"]

DEFAULT_THRESHOLD = 0.8


def quality_threshold(spec: LoopSpec) -> float:
    """Return the score from which the judge counts as satisfied."""
    for condition in spec.stop_conditions:
        value = condition.value
        if condition.condition_type == "quality_threshold" and isinstance(value, int | float):
            return float(value)
    return DEFAULT_THRESHOLD


def read_verdict(output: Any, threshold: float) -> tuple[bool, str] | None:
    """Return whether a judge's output accepts, and why; None when it says neither.

    A judge with ``for_each`` accepts when it accepts every item.
    """
    if isinstance(output, list):
        verdicts = [read_verdict(item, threshold) for item in output]
        known = [verdict for verdict in verdicts if verdict is not None]
        if not known or len(known) < len(verdicts):
            return None
        return min(known, key=lambda verdict: verdict[0])
    data = read_object(output)
    for key in ("passed", "approved"):
        if isinstance(data.get(key), bool):
            return data[key], f"{key} is {str(data[key]).lower()}"
    for key in ("score", "quality"):
        score = data.get(key)
        if isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score):
            return score >= threshold, f"{key} {score:g}, threshold {threshold:g}"
    return None


def feedback_of(output: Any) -> str:
    """Return what the improving steps are told: the judge's own words, or its whole output."""
    data = read_object(output)
    for key in ("feedback", "reasoning", "issues"):
        if data.get(key):
            return text_of(data[key])
    return text_of(output)
