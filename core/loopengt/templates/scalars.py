"""Writes single values as YAML, so that reading them gives exactly the value again."""

from __future__ import annotations

import re
from typing import Final

from loopengt.errors import UsageError
from loopengt.spec.scalars import resolve

__all__ = ["yaml_scalar"]

_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ._/+-]*[A-Za-z0-9_/+])?")
"""Text that means itself wherever a value may stand."""
_LONGEST_PLAIN: Final = 200
_WORDS_ELSEWHERE: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Text to us, but not to every reader of YAML."""
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def yaml_scalar(value: str | int | float) -> str:
    """Return a value as YAML on one line, as it may stand behind ``key:``, in a list, and in ``[…]``.

    Args:
        value: Any text, or a finite number.

    Raises:
        UsageError: The text holds half a character (a lone surrogate), which no file can.
    """
    if not isinstance(value, str):
        return repr(value)
    if _is_plain(value):
        return value
    return f'"{"".join(map(_escaped, value))}"'


def _is_plain(text: str) -> bool:
    return (
        len(text) <= _LONGEST_PLAIN
        and _PLAIN.fullmatch(text) is not None
        and text.lower() not in _WORDS_ELSEWHERE
        and resolve(text) == text
    )


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise UsageError(
            f"the text holds {ascii(char)[1:-1]}, which is half a character", remedy="Give it as UTF-8."
        )
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
