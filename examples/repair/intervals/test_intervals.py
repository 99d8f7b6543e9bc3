"""Tests of merging and finding intervals."""

from intervals.intervals import find, merge

MERGED = [(0, 4), (6, 9), (12, 20)]


def test_overlapping_intervals_are_joined() -> None:
    """Order does not matter, and an interval within another adds nothing."""
    assert merge([(5, 8), (1, 3), (2, 4), (6, 7)]) == [(1, 4), (5, 8)]


def test_touching_intervals_are_joined() -> None:
    """Where one ends the next begins, so nothing lies between them."""
    assert merge([(1, 3), (3, 5)]) == [(1, 5)]


def test_separate_intervals_stay_apart() -> None:
    """A gap of one is a gap."""
    assert merge([(1, 3), (4, 5)]) == [(1, 3), (4, 5)]


def test_nothing_is_merged_to_nothing() -> None:
    """No intervals are no error."""
    assert merge([]) == []


def test_every_interval_is_found() -> None:
    """The first and the last point of each interval lie in it."""
    found = [(find(MERGED, start), find(MERGED, end - 1)) for start, end in MERGED]
    assert found == [(0, 0), (1, 1), (2, 2)]


def test_a_point_between_intervals_is_in_none() -> None:
    """An end is outside its interval; so is all that lies before the first or after the last."""
    assert [find(MERGED, point) for point in (-1, 4, 5, 9, 11, 20)] == [None] * 6


def test_nothing_is_found_in_nothing() -> None:
    """No intervals hold no point."""
    assert find([], 1) is None
