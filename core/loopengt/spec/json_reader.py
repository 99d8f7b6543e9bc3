"""Reads JSON into a tree, with the place of every key and value."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Final

from loopengt.spec.tree import Place, TreeBuilder

__all__ = ["is_json", "read_json"]

_TOKEN: Final = re.compile(r'[ \t\n\r]*+(?:([{}\[\],:])|("(?:[^"\\]++|\\.)*+")|([^\s{}\[\],:"]++))')


def is_json(text: str) -> bool:
    """Whether the text is one JSON value."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_json(text: str, builder: TreeBuilder) -> None:
    """Feed the JSON value in the text to the builder.

    Raises:
        SpecError: The text is not JSON, or breaks a limit of the builder.
    """
    _check(text, builder)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    offset = 0
    while match := _TOKEN.match(text, offset):
        offset = match.end()
        mark, string, other = match.groups()
        start = match.start(match.lastindex or 0)
        line = bisect_right(starts, start)
        place = Place(line, start - starts[line - 1] + 1, '"' if string else "")
        if mark is None:
            builder.scalar(json.loads(string or other), place, text=string or other)
        elif mark in "{[":
            builder.begin(place, mapping=mark == "{")
        elif mark in "}]":
            builder.end()


def _check(text: str, builder: TreeBuilder) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        builder.fail(
            Place(error.lineno, error.colno), f"not valid JSON: {error.msg[0].lower()}{error.msg[1:]}"
        )
    except RecursionError:
        builder.fail(Place(1, 1), "nested too deeply")
    except ValueError:
        builder.fail(Place(1, 1), "a number has too many digits")
