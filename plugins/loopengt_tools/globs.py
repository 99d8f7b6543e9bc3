"""Patterns of paths with ``*``, ``?``, ``[…]`` and ``**``, matched in bounded time."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from loopengt_hookspecs.tools import ToolError

__all__ = ["Glob"]

_MOST = 1_000


class Glob:
    """A pattern of paths.

    Without a slash it is matched against the last component, at any depth; with one against the whole path, where
    ``**`` stands for any number of folders, also none.

    Args:
        pattern: The pattern, such as ``*.py`` or ``src/**/test_*.py``.

    Raises:
        ToolError: It is empty or too long.
    """

    def __init__(self, pattern: str) -> None:
        parts = [part for part in pattern.split("/") if part not in ("", ".")]
        if not parts or len(pattern) > _MOST:
            raise ToolError("a pattern is such as *.py or src/**/test_*.py")
        self._parts = parts if "/" in pattern else ["**", *parts]

    def matches(self, parts: Sequence[str]) -> bool:
        """Whether a path, given as its components, fits."""
        # Which ends of the pattern so far can have been reached: no backtracking, so no pattern takes long.
        reached = self._past_stars({0})
        for name in parts:
            reached = self._past_stars(
                {at if self._parts[at] == "**" else at + 1 for at in reached if self._fits(at, name)}
            )
        return len(self._parts) in reached

    def _fits(self, at: int, name: str) -> bool:
        return at < len(self._parts) and (self._parts[at] == "**" or fnmatchcase(name, self._parts[at]))

    def _past_stars(self, reached: set[int]) -> set[int]:
        found = set(reached)
        for at in sorted(reached):
            while at < len(self._parts) and self._parts[at] == "**":
                at += 1
                found.add(at)
        return found
