"""Puts other values into the text of a spec, and leaves everything else, comments included, as it is."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from loopengt import SpecError
from loopengt.spec import parse_document

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["add_key", "put_value", "value_at"]


def put_value(text: str, path: Sequence[str | int], value: str) -> str | None:
    """Return the text with the value of one key replaced.

    Args:
        text: A spec as YAML, in block style as far as the key.
        path: Keys and indexes from the root to the key.
        value: The new value as YAML; more than one line is indented below the key.

    Returns:
        The new text; None when it has no such key, or is written so that the value cannot be replaced alone.

    Raises:
        SpecError: The text or the value is not YAML at all.
    """
    document = parse_document(text)
    wanted = deepcopy(document.data)
    holder = _at(wanted, path[:-1])
    if not isinstance(holder, dict) or path[-1] not in holder:
        return None
    holder[path[-1]] = parse_document(value).data
    line, column = document.key_position(path)
    fitted = _replace(text.splitlines(keepends=True), line - 1, column - 1, value)
    try:
        return fitted if parse_document(fitted).data == wanted else None
    except SpecError:
        return None


def add_key(text: str, path: Sequence[str | int], key: str, value: str) -> str | None:
    """Return the text with another key, in front of one that is there.

    Args:
        text: A spec as YAML, in block style as far as the key.
        path: Keys and indexes from the root to the key that is there; it must not be the first of a list's item.
        key: The new key.
        value: Its value as YAML; more than one line is indented below the key.

    Returns:
        The new text; None when there is no such place, the key is there already, or no key can be added alone.

    Raises:
        SpecError: The text or the value is not YAML at all.
    """
    document = parse_document(text)
    wanted = deepcopy(document.data)
    holder = _at(wanted, path[:-1])
    if not isinstance(holder, dict) or path[-1] not in holder or key in holder:
        return None
    holder[key] = parse_document(value).data
    line, column = document.key_position(path)
    lines = text.splitlines(keepends=True)
    lines[line - 1 : line - 1] = _rows(" " * (column - 1) + key, column - 1, value)
    fitted = "".join(lines)
    try:
        return fitted if parse_document(fitted).data == wanted else None
    except SpecError:
        return None


def value_at(text: str, path: Sequence[str | int]) -> Any:
    """Return the value of a key in the text of a spec; None when there is none.

    Raises:
        SpecError: The text is not YAML at all.
    """
    holder = _at(parse_document(text).data, path[:-1])
    return holder.get(path[-1]) if isinstance(holder, dict) else None


def _at(data: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        inside = part in data if isinstance(data, dict) else isinstance(part, int) and part < len(data)
        data = data[part] if inside else None
        if not isinstance(data, dict | list):
            return None
    return data


def _replace(lines: list[str], first: int, indent: int, value: str) -> str:
    end = last = first + 1
    while end < len(lines) and _belongs(lines[end], indent):
        end += 1
        if lines[end - 1].strip():
            last = end
    fresh = _rows(lines[first].partition(":")[0], indent, value)
    return "".join([*lines[:first], *fresh, *lines[last:]])


def _rows(key: str, indent: int, value: str) -> list[str]:
    """Write a key and its value; ``key`` stands behind all that is before it on its line."""
    rows = value.rstrip("\n").split("\n")
    if len(rows) == 1 and not _is_block(rows[0]):
        return [f"{key}: {rows[0]}\n"]
    margin = " " * (indent + 2)
    return [f"{key}:\n", *(f"{margin}{row}\n" for row in rows)]


def _is_block(row: str) -> bool:
    """Whether a line is a list's item or a key with its value, which cannot stand behind another key."""
    return row.startswith("- ") or (isinstance(parse_document(row).data, dict) and not row.startswith("{"))


def _belongs(line: str, indent: int) -> bool:
    """Whether a line behind a key belongs to its value; a list may stand as far left as its key."""
    bare = line.lstrip(" ")
    depth = len(line) - len(bare)
    return not bare.strip() or depth > indent or (depth == indent and bare.startswith("- "))
