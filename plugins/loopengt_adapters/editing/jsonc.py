"""Reads JSON with comments and trailing commas, with the place of every member."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

__all__ = ["Collection", "InvalidText", "Item", "open_collection", "parse", "plain"]

# Possessive, and long runs at once: a config may have megabytes.
_STRING = r'"(?:[^"\\\n]++|\\.)*+"'
_COMMENT = re.compile(r"//[^\n\r]*+|/\*.*?\*/", re.DOTALL)
_RUN_OR_COMMENT = re.compile(rf'((?:[^"/]++|{_STRING})++)|{_COMMENT.pattern}', re.DOTALL)
_RUN_OR_LAST_COMMA = re.compile(rf'((?:[^",]++|{_STRING}|,(?!\s*+[}}\]]))++)|,', re.DOTALL)
_BLANK = re.compile(r"[ \t\n\r]*")


class InvalidText(Exception):
    """The text is not what its file says.

    Args:
        what: What is wrong.
        line: Where, from 1.
        column: Where in the line, from 1.
        remedy: What to do about it.
    """

    def __init__(self, what: str, line: int, column: int, *, remedy: str = "mend the file") -> None:
        super().__init__(what)
        self.what, self.line, self.column, self.remedy = what, line, column, remedy


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object or an element of an array; all places are offsets in the text."""

    key: str | None
    """None: it is an element of an array."""
    start: int
    """Where the key begins, or the element."""
    value_start: int
    end: int
    comma: int | None
    """Where the comma behind it stands; None: there is none."""


@dataclass(frozen=True, slots=True)
class Collection:
    """An object or an array of the text."""

    start: int
    """Where its bracket opens."""
    close: int
    """Where its bracket closes."""
    items: tuple[Item, ...]

    def find(self, key: str) -> Item | None:
        """Return the member of a key: the last of that name, which is the one that counts."""
        return next((item for item in reversed(self.items) if item.key == key), None)


@lru_cache(maxsize=4)
def plain(text: str) -> str:
    """Return the text with blanks in place of comments and trailing commas: JSON, with all places the same."""
    if "/" in text:
        text = _RUN_OR_COMMENT.sub(_blank_comment, text)
    return _RUN_OR_LAST_COMMA.sub(_blank_last_comma, text)


def parse(text: str) -> Any:
    """Return the data that a JSON text with comments and trailing commas holds.

    Raises:
        InvalidText: It is none.
    """
    blanked = plain(text)

    def refuse(constant: str) -> NoReturn:
        raise InvalidText(f"{constant} is no JSON", *_line_and_column(text, max(0, blanked.find(constant))))

    try:
        return json.loads(blanked, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InvalidText(error.msg, error.lineno, error.colno) from error
    except RecursionError:
        raise InvalidText("it is nested too deeply", 1, 1) from None


def open_collection(text: str, blanked: str, start: int) -> Collection:
    """Return an object or array with the places of what it holds.

    Args:
        text: The whole text.
        blanked: What ``plain`` makes of it; it must be valid.
        start: Where the bracket opens.
    """
    decode = json.JSONDecoder().raw_decode
    is_object = blanked[start] == "{"
    items: list[Item] = []
    at = _skip(blanked, start + 1)
    while blanked[at] not in "}]":
        key, begin = None, at
        if is_object:
            key, at = decode(blanked, at)
            at = _skip(blanked, _skip(blanked, at) + 1)
        _, end = decode(blanked, at)
        behind = _skip(blanked, end)
        comma = behind if blanked[behind] == "," else _last_comma(text, end)
        items.append(Item(key, begin, at, end, comma))
        at = _skip(blanked, behind + 1) if blanked[behind] == "," else behind
    return Collection(start, at, tuple(items))


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def _last_comma(text: str, at: int) -> int | None:
    """Return the place of the trailing comma behind blanks and comments, or None."""
    while True:
        at = _skip(text, at)
        comment = _COMMENT.match(text, at)
        if comment is None:
            return at if text[at] == "," else None
        at = comment.end()


def _blank_comment(found: re.Match[str]) -> str:
    return found[0] if found[1] is not None else re.sub(r"[^\n\r]", " ", found[0])


def _blank_last_comma(found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[0]
    at = found.start() - 1
    while at >= 0 and found.string[at] in " \t\n\r":
        at -= 1
    return "," if at < 0 or found.string[at] in "{[,:" else " "


def _line_and_column(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
