"""Merging intervals and finding the one that holds a point."""

Interval = tuple[int, int]


def merge(intervals: list[Interval]) -> list[Interval]:
    """Join the intervals that overlap or touch, in ascending order."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def find(merged: list[Interval], point: int) -> int | None:
    """Return the index of the merged interval that holds a point (its end is outside), or None."""
    low, high = 0, len(merged) - 1
    while low < high:
        middle = (low + high) // 2
        start, end = merged[middle]
        if point < start:
            high = middle - 1
        elif point >= end:
            low = middle + 1
        else:
            return middle
    return None
