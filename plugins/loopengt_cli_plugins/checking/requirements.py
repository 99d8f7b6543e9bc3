"""Which versions of loopengt, and of its hooks, a plugin says that it works with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import loopengt_hookspecs
from loopengt import __version__
from loopengt.naming import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["api_problems", "requirement_problems"]

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;()@]*)\)?\s*(@[^;]*)?")
_CLAUSE = re.compile(r"\s*(~=|===?|!=|<=?|>=?)\s*([^\s,]+)\s*")
_LOWER = (">=", ">", "~=", "==", "===")

Version = tuple[int, ...]


def requirement_problems(requires: Iterable[str], version: str = __version__) -> Iterator[str]:
    """Say what is wrong with the requirement on loopengt.

    Args:
        requires: The requirements of the distribution.
        version: The version of loopengt that is here.
    """
    wanted = f"loopengt>={'.'.join(version.split('.')[:2])}"
    own = [
        match for match in map(_REQUIREMENT.match, requires) if match and normalise(match[1]) == "loopengt"
    ]
    if not own:
        yield f"it does not require loopengt: add {wanted!r} to its dependencies"
        return
    for match in own:
        clauses = [(sign, _release(bound)) for sign, bound in _CLAUSE.findall(match[2])]
        text = match[0].strip()
        if not any(sign in _LOWER for sign, _ in clauses):
            yield f"its requirement {text!r} names no lowest version: write {wanted!r}"
        here = _release(version)
        for sign, bound in clauses:
            if not _fits(here, sign, bound):
                yield f"its requirement {text!r} leaves out loopengt {version}, which is here"
                break


def api_problems(declared: str | None) -> Iterator[str]:
    """Say what is wrong with the version of the hooks that a plugin declares in ``LOOPENGT_API``, if it does."""
    offered: tuple[int, int] | None = getattr(loopengt_hookspecs, "API_VERSION", None)
    if declared is None or offered is None:
        return
    here = f"{offered[0]}.{offered[1]}"
    match = re.fullmatch(r"(\d{1,6})\.(\d{1,6})", declared)
    if match is None:
        yield f"LOOPENGT_API is {declared!r}, which is no version of the hooks: write {here!r}"
    elif int(match[1]) != offered[0]:
        yield f"LOOPENGT_API is {declared}, and this loopengt has the hooks {here}: they do not fit"
    elif int(match[2]) > offered[1]:
        yield f"LOOPENGT_API is {declared}, and this loopengt has only the hooks {here}: install a newer loopengt"


def _release(text: str) -> Version:
    """The numbers at the beginning of a version; what comes behind them, as in 1.0rc1, is left out."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text.strip())
    return tuple(map(int, match[1].split("."))) if match else ()


def _fits(version: Version, sign: str, bound: Version) -> bool:
    if not bound:
        return True
    length = max(len(version), len(bound))
    one, other = (numbers + (0,) * (length - len(numbers)) for numbers in (version, bound))
    return {
        ">=": one >= other,
        ">": one > other,
        "<=": one <= other,
        "<": one < other,
        "!=": version[: len(bound)] != bound,
        "~=": one >= other and version[: len(bound) - 1] == bound[:-1],
    }.get(sign, version[: len(bound)] == bound)
