"""Names: how those of plugins are normalised, and which known one is nearest to one that is unknown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["hint", "is_word", "nearest", "normalise", "singular"]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def is_word(name: object) -> bool:
    """Whether it is a text that can name a component: a letter, then letters, digits, ``_`` and ``-``."""
    return isinstance(name, str) and _WORD.fullmatch(name) is not None


def normalise(name: str) -> str:
    """Return a plugin's or distribution's name in lower case, with ``_`` for each run of ``-._``."""
    return re.sub(r"[-_.]+", "_", name.strip()).lower()


def singular(kind: str) -> str:
    """Return what one component of a kind is called in messages, such as ``stop condition``."""
    irregular = {"memories": "memory", "middleware": "middleware"}
    return irregular.get(kind, kind.removesuffix("s")).replace("_", " ")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is spelled most like ``name``, or an empty text when none is near."""
    import difflib

    # Compared without case, so that a wrong capital alone never hides the name that was meant.
    names = {word.lower(): word for word in known}
    # Cut, since the comparison is quadratic and the name may be anything.
    found = difflib.get_close_matches(name[:128].lower(), names, n=1)
    return names[found[0]] if found else ""


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of a message on an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    near = nearest(name, known)
    return f", the nearest is {near!r}" if near else f"; there are {', '.join(known) or 'none'}"
