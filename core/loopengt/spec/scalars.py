"""Single values of YAML: what plain text means, and where in the file a character of a value stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt.spec.tree import Place

__all__ = ["resolve", "text_position"]

# The core schema of YAML 1.2: yes, no, on, off and dates are text.
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS: Final = 300

_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
)


def resolve(text: str) -> Any:
    """Return what plain text means: null, true, false, a number, else the text.

    A number that is not finite, or too long to be one, comes back as an infinite float.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base) if len(text) <= _MAX_DIGITS else float("inf")
    if _FLOAT.fullmatch(text):
        return float(text)
    return float("inf") if _SPECIAL.fullmatch(text) else text


def text_position(lines: Sequence[str], place: Place, value: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of a character of a text value.

    Exact for text on one line, plain or quoted, and for literal blocks; else the place where the text starts.

    Args:
        lines: The lines of the file.
        place: Where the value is written.
        value: The value.
        offset: Which character of it, from 0.
    """
    if place.style in ("|", ">"):
        return _in_block(lines, place, value, offset)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    start = place.column - 1
    if not place.style:
        single = line.startswith(value, start)
        return place.line, place.column + (offset if single else 0)
    return place.line, _in_quotes(line, start, offset, place.style) + 1


def _in_block(lines: Sequence[str], place: Place, value: str, offset: int) -> tuple[int, int]:
    before = value[:offset] if place.style == "|" else ""
    number = place.line + 1 + before.count("\n")
    text = value.split("\n")[before.count("\n")]
    line = lines[number - 1] if number <= len(lines) else ""
    if place.style == ">":
        return number, len(line) - len(line.lstrip()) + 1
    indent = len(line) - len(text) if line.endswith(text) else 0
    return number, indent + len(before) - (before.rfind("\n") + 1) + 1


def _in_quotes(line: str, start: int, offset: int, quote: str) -> int:
    at = start + 1
    for _ in range(offset):
        if at >= len(line):
            return start
        if quote == "'" and line.startswith("''", at):
            at += 2
        elif quote == '"' and (escape := _ESCAPE.match(line, at)):
            at = escape.end()
        else:
            at += 1
    return at if at < len(line) else start
