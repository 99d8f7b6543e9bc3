"""Plain JSON data: looking into it, copying it, and saying in words what a value is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["MISSING", "NotJsonError", "describe", "json_copy", "known_keys", "look", "plain"]

MAX_DEPTH: Final = 200
"""Deepest nesting that is copied; it also ends a structure that contains itself."""

_SHOWN = 8


MISSING: Final = object()
"""What ``look`` returns when there is nothing; distinct from every JSON value."""


class NotJsonError(ValueError):
    """A value, or something inside it, is not JSON data."""


def look(value: Any, key: str | int) -> Any:
    """Take one step into data: the key of a mapping or the index of a list, never an attribute.

    Returns:
        The value there, or ``MISSING``.
    """
    if type(value) is dict:
        return value.get(key, MISSING)
    if isinstance(value, Mapping):
        try:
            return value[key]
        except KeyError:
            return MISSING
    if isinstance(value, list | tuple) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    return MISSING


def plain(value: Any) -> Any:
    """Return a scalar as its plain type, and a container as it is.

    Raises:
        NotJsonError: The value is neither.
    """
    if value is None or type(value) in _PLAIN:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            # An enum's member, for one: only the plain value may take part, not its methods.
            return str.__str__(value) if kind is str else kind(value)
    if isinstance(value, Mapping | list | tuple):
        return value
    raise NotJsonError(f"{describe(value)} is not JSON data")


def json_copy(value: Any, _depth: int = 0) -> Any:
    """Copy JSON data into plain dicts, lists and scalars; a tuple becomes a list.

    Raises:
        NotJsonError: Something in it is not JSON data, or it is nested more than 200 levels deep.
    """
    value = plain(value)
    if isinstance(value, Mapping):
        if _depth >= MAX_DEPTH:
            raise NotJsonError(f"the data is nested more than {MAX_DEPTH} levels deep")
        return {_key(key): json_copy(item, _depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if _depth >= MAX_DEPTH:
            raise NotJsonError(f"the data is nested more than {MAX_DEPTH} levels deep")
        return [json_copy(item, _depth + 1) for item in value]
    return value


def describe(value: Any) -> str:
    """Say in words what kind of value this is, such as ``a list``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, words in _WORDS:
        if isinstance(value, kind):
            return words
    return f"a Python {type(value).__name__}"


def known_keys(value: Any) -> str:
    """Name what a value holds, for the message about something that it does not hold."""
    if isinstance(value, Mapping):
        names = [str(key) for key in value]
        if not names:
            return "it is empty"
        more = ", …" if len(names) > _SHOWN else ""
        return f"it has: {', '.join(names[:_SHOWN])}{more}"
    if isinstance(value, list | tuple):
        return f"it is a list of {len(value)}"
    return f"it is {describe(value)}"


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    raise NotJsonError(f"the key {key!r} is not a string")


_PLAIN = frozenset({str, int, float, bool, dict, list})
_WORDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "a string"),
    ((int, float), "a number"),
    (Mapping, "a mapping"),
    ((list, tuple), "a list"),
)
