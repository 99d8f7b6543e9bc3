"""Cuts the text of an expression into tokens."""

from __future__ import annotations

import math
import re
from typing import Any, Final, NamedTuple

from loopengt.errors import ExpressionError

__all__ = ["Cursor", "Token", "tokenize"]

_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<string>'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*")
    | (?P<operator>==|!=|<=|>=|//|\*\*|&&|\|\||[-+*/%<>.,|()\[\]=!'"])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    **{character: character for character in "\\'\"/"},
}
_INSTEAD: Final = {
    "=": "write == to compare",
    "&&": "write and",
    "||": "write or",
    "!": "write not",
    "**": "powers are not part of the language",
    "'": "close the string with '",
    '"': 'close the string with "',
}


class Token(NamedTuple):
    """One word of an expression."""

    kind: str
    """``number``, ``name``, ``string``, ``operator`` or ``end``."""
    text: str
    column: int
    """Where it starts, from 1."""
    value: Any = None
    """The value of a number or string."""


class Cursor:
    """A place in a list of tokens, the last of which is the end."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def token(self) -> Token:
        """The token at this place."""
        return self._tokens[self._next]

    @property
    def following(self) -> Token:
        """The token behind this place."""
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Go on to the next place, and return the token of this one."""
        token = self._tokens[self._next]
        self._next += 1
        return token

    def at(self, *words: str) -> bool:
        """Whether one of these operators or keywords stands here."""
        return self.token.text in words and self.token.kind in ("operator", "name")

    def take(self, *words: str) -> Token | None:
        """Go past one of these words if it stands here."""
        return self.advance() if self.at(*words) else None

    def expect(self, word: str) -> Token:
        """Go past a word that must stand here.

        Raises:
            ExpressionError: Something else stands here.
        """
        if not self.at(word):
            raise self.unexpected(repr(word))
        return self.advance()

    def unexpected(self, wanted: str) -> ExpressionError:
        """Make the error that says what stands here in place of what was wanted."""
        found = "the end" if self.token.kind == "end" else repr(self.token.text[:40])
        return ExpressionError(f"expected {wanted}, found {found}", column=self.token.column)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of the text, with one of kind ``end`` behind the last.

    Raises:
        ExpressionError: Something in the text is no token; ``column`` says where.
    """
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise ExpressionError(f"unexpected character {text[offset]!r}", column=offset + 1)
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(_token(kind, match.group(), offset + 1))
        offset = match.end()
    tokens.append(Token("end", "", len(text.rstrip()) + 1))
    return tokens


def _token(kind: str, text: str, column: int) -> Token:
    if kind == "number":
        return Token(kind, text, column, _number(text, column))
    if kind == "string":
        return Token(kind, text, column, _string(text, column))
    if text in _INSTEAD:
        what = "the string does not end" if text in "'\"" else f"unexpected {text!r}"
        raise ExpressionError(what, column=column, remedy=_INSTEAD[text])
    return Token(kind, text, column)


def _number(text: str, column: int) -> int | float:
    number = int(text) if text.isdecimal() and len(text) <= 300 else float(text)
    if not math.isfinite(number) or len(text) > 300:
        raise ExpressionError("the number is too large", column=column)
    return number


def _string(text: str, column: int) -> str:
    def unescape(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        return _ESCAPES.get(code, match.group())

    body = text[1:-1]
    if "\\" not in body:
        return body
    value = _ESCAPE.sub(unescape, body)
    try:
        # A character beyond the basic plane is written as a pair of surrogates, as in JSON.
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ExpressionError("the string holds half of a surrogate pair", column=column) from None
