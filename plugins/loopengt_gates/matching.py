"""Searches an output for a regular expression, in bounded time."""

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
# Python's regular expressions can take for ever, and nothing in this process could end them, so a child does
# the search: the text comes from an agent's work, and a hanging gate would hang every run of this process.
_SEARCH = f"""
import re, sys
size, _, rest = sys.stdin.buffer.read().partition(b"\\n")
pattern, text = rest[:int(size)].decode(), rest[int(size):].decode()
sys.exit(0 if re.search(pattern, text, re.MULTILINE) else {_NOT_FOUND})
"""


class PatternError(Exception):
    """The search could not be brought to an end; the text says why."""


async def found_in(pattern: str, text: str, cwd: Path) -> bool:
    """Whether the pattern is found in the text; ``^`` and ``$`` also match at line ends.

    Raises:
        PatternError: The search took too long, or could not be made.
    """
    if re.escape(pattern) == pattern:
        return pattern in text
    encoded = pattern.encode("utf-8", "replace")
    result = await run_program(
        [sys.executable, "-I", "-S", "-c", _SEARCH],
        cwd=cwd,
        env=base_environment(),
        stdin=b"%d\n%s%s" % (len(encoded), encoded, text.encode("utf-8", "replace")),
        timeout=_SECONDS,
        grace_seconds=0,
    )
    if result.timed_out:
        raise PatternError(f"the search took more than {_SECONDS:g} seconds; make the expression simpler")
    if result.exit_code not in (0, _NOT_FOUND):
        raise PatternError(f"the search failed with {result.ending}: {result.err.text.strip()[-300:]}")
    return result.exit_code == 0
