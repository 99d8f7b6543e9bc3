"""A problem in a loop spec: where it is, what is wrong, and what is meant instead."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Problem", "known_names", "nearest"]

_SHOWN = 12
_COMPARED = 300


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a spec. Problems sort by file and position."""

    file: str
    """The file, as the user named it."""
    line: int
    """From 1."""
    column: int
    """In characters, from 1."""
    message: str
    """What is wrong, in one line."""
    hint: str = ""
    """What to write instead, in one line."""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles this one most, or None when none does."""
    # Bounded, since the comparison is slow and the names come from a file that may hold anything.
    found = difflib.get_close_matches(name[:128], islice(known, _COMPARED), 1)
    return found[0] if found else None


def known_names(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Write the hint for an unknown name: the nearest one, else all of them, else another text."""
    names = sorted(known)
    if (found := nearest(name, names)) is not None:
        return f"did you mean {found!r}?"
    if names and not otherwise:
        more = ", …" if len(names) > _SHOWN else ""
        return f"known: {', '.join(names[:_SHOWN])}{more}"
    return otherwise
