"""Searches a text for a regular expression, in bounded time."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from loopengt.processes import base_environment, run_program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PatternError", "found_in"]

_SECONDS = 10.0
_NOT_FOUND = 3
_WHOLE = "whole"
# Python's regular expressions can take for ever, and nothing in this process could end them, so a child does
# the search: the text comes from an agent's work, and a hanging gate would hang every run of this process.
_SEARCH = f"""
import re, sys
flags, size, rest = sys.stdin.buffer.read().split(b" ", 2)
pattern, text = rest[:int(size)].decode(), rest[int(size):].decode()
find = re.fullmatch if {_WHOLE!r} in sys.argv else re.search
sys.exit(0 if find(pattern, text, int(flags)) else {_NOT_FOUND})
"""


class PatternError(Exception):
    """The search could not be brought to an end; the text says why."""


async def found_in(
    pattern: str, text: str, cwd: Path, *, flags: int = re.MULTILINE, whole: bool = False
) -> bool:
    """Whether a pattern is found in a text.

    Args:
        pattern: A regular expression.
        text: Where it is searched.
        cwd: A folder for the process that searches.
        flags: Those of the module ``re``; by default ``^`` and ``$`` also match at line ends.
        whole: Whether the whole text must match.

    Raises:
        PatternError: The search took too long, or could not be made.
    """
    if re.escape(pattern) == pattern and not flags & re.IGNORECASE:
        return pattern == text if whole else pattern in text
    encoded = pattern.encode("utf-8", "replace")
    result = await run_program(
        [sys.executable, "-I", "-S", "-c", _SEARCH, *([_WHOLE] if whole else [])],
        cwd=cwd,
        env=base_environment(),
        stdin=b"%d %d %s%s" % (flags, len(encoded), encoded, text.encode("utf-8", "replace")),
        timeout=_SECONDS,
        grace_seconds=0,
    )
    if result.timed_out:
        raise PatternError(f"the search took more than {_SECONDS:g} seconds; make the expression simpler")
    if result.exit_code not in (0, _NOT_FOUND):
        raise PatternError(f"the search failed with {result.ending}: {result.err.text.strip()[-300:]}")
    return result.exit_code == 0
