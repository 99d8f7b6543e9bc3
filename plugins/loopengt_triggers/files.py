"""Which files some patterns of paths name, and how they look now."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Look", "Pattern", "changed", "scan"]

Look: TypeAlias = "dict[str, tuple[int, int, int]]"
"""Files by their path with slashes: time of the last change, size and inode."""

NEVER = frozenset({".git", ".hg", ".loopengt", ".svn", "__pycache__"})
"""Folders that are not looked into: what programs keep there changes by itself, and with every run."""

_LONGEST = 1_000


class Pattern:
    """A pattern of paths below a folder, matched part by part, so that none takes long.

    Without a slash it is a name at any depth; with one it begins at the folder, and ``**`` stands for any number of
    folders. A folder that it fits stands for all files below.

    Args:
        text: Such as ``*.py``, ``src/**/*.py`` or ``docs``.

    Raises:
        ValueError: It is empty, too long, absolute, or leads out of the folder.
    """

    def __init__(self, text: str) -> None:
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if not parts or len(text) > _LONGEST:
            raise ValueError(f"{text[:40]!r} is no pattern of paths: write one such as src/**/*.py")
        if text.startswith(("/", "~")) or ".." in parts:
            raise ValueError(f"the pattern {text[:80]!r} leads out of the project")
        self._parts = parts if "/" in text else ["**", *parts]

    def start(self) -> frozenset[int]:
        """Return which parts may come first."""
        return self._past_stars({0})

    def step(self, reached: frozenset[int], name: str) -> frozenset[int]:
        """Return which parts may come after a name; none: nothing below can fit."""
        return self._past_stars(
            {at if self._parts[at] == "**" else at + 1 for at in reached if self._fits(at, name)}
        )

    def fits(self, reached: frozenset[int]) -> bool:
        """Whether the whole pattern is used up."""
        return len(self._parts) in reached

    def _fits(self, at: int, name: str) -> bool:
        return at < len(self._parts) and (self._parts[at] == "**" or fnmatchcase(name, self._parts[at]))

    def _past_stars(self, reached: set[int]) -> frozenset[int]:
        found = set(reached)
        for at in sorted(reached):
            while at < len(self._parts) and self._parts[at] == "**":
                at += 1
                found.add(at)
        return frozenset(found)


def scan(folder: Path, patterns: Sequence[Pattern]) -> Look:
    """Look at every file below a folder that a pattern fits; links to folders are not followed.

    What cannot be read, or goes away meanwhile, is not there.
    """
    found: Look = {}
    waiting = [(os.fspath(folder), "", [pattern.start() for pattern in patterns], False)]
    while waiting:
        path, prefix, states, whole = waiting.pop()
        try:
            with os.scandir(path) as entries:
                listed = list(entries)
        except OSError:
            continue
        for entry in listed:
            after = [pattern.step(state, entry.name) for pattern, state in zip(patterns, states, strict=True)]
            fits = whole or any(map(Pattern.fits, patterns, after))
            if not fits and not any(after):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in NEVER:
                        waiting.append((entry.path, f"{prefix}{entry.name}/", after, fits))
                elif fits and entry.is_file():
                    seen = entry.stat()
                    found[prefix + entry.name] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
            except OSError:
                continue
    return found


def changed(before: Look, after: Look) -> set[str]:
    """Return the files that are new, gone or other than before."""
    both = before.keys() & after.keys()
    return (before.keys() ^ after.keys()) | {name for name in both if before[name] != after[name]}
