"""Corrects p values for there being many of them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["holm"]


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Return p values adjusted by Holm's method: each may be held against the level as if it were the only one.

    Args:
        values: P values by name.
    """
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, (name, value) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, value * (len(values) - place)))
        adjusted[name] = highest
    return {name: adjusted[name] for name in values}
