"""What an expression or a prompt looks up, and where it is written."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reference"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A place where an expression or a prompt looks something up."""

    path: tuple[str | int, ...]
    """The name in the scope, then keys and indexes, as far as they are written literally."""
    column: int
    """Where it is written, counted in characters from 1; 0 where that is not known."""
    guarded: bool = False
    """Whether the place copes with a missing value (``default``, ``is defined``)."""
