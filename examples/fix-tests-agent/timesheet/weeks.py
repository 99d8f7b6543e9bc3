"""Entries summed up by week."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple


class Entry(NamedTuple):
    """What somebody has worked on a day."""

    day: date
    minutes: int


def minutes_by_week(entries: Iterable[Entry]) -> dict[str, int]:
    """Sum up by ISO week, such as ``2025-W01``, the earliest first."""
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        week = entry.day.isocalendar().week
        sums[f"{entry.day.year}-W{week:02}"] += entry.minutes
    return dict(sorted(sums.items()))
