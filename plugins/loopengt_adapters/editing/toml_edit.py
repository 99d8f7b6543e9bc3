"""Puts one table into a TOML text and takes it out again; all else keeps its bytes."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from loopengt_adapters.editing.jsonc import InvalidText

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["check_way", "parse_toml", "put_table", "remove_table", "set_key"]

_KINDS = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def parse_toml(text: str) -> dict[str, Any]:
    """Return the data that a TOML text holds.

    Raises:
        InvalidText: It is none.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = str(error).removesuffix(" (at end of document)")
        place = _PLACE.search(what)
        if place is None:
            lines = text.split("\n")
            raise InvalidText(what, len(lines), len(lines[-1]) + 1) from error
        raise InvalidText(what[: place.start()], int(place[1]), int(place[2])) from error
    except RecursionError:
        raise InvalidText("it is nested too deeply", 1, 1) from None


def put_table(text: str, path: tuple[str, ...], value: Mapping[str, Any]) -> str:
    """Add a table that is not there yet, at the end where that is possible.

    Raises:
        InvalidText: The text is not valid, or something on the way is not a table.
    """
    expected = parse_toml(text)
    table = _table(expected, path[:-1], make=True)
    table[path[-1]] = dict(value)
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else newline if text.endswith("\n") else newline * 2
    try:
        return _checked(text + gap + _block(path, value).replace("\n", newline), expected)
    except InvalidText:  # what is an inline table cannot be added to from outside
        return _edited(text, expected, lambda document: _assign(document, path, dict(value)))


def set_key(text: str, path: tuple[str, ...], value: Any) -> str:
    """Set one key of a table that is there; errors are those of ``put_table``."""
    expected = parse_toml(text)
    _table(expected, path[:-1])[path[-1]] = value
    return _edited(text, expected, lambda document: _assign(document, path, value))


def remove_table(text: str, path: tuple[str, ...], value: Mapping[str, Any], original: str | None) -> str:
    """Take a table out; errors are those of ``put_table``.

    Args:
        text: The document.
        path: Where the table is.
        value: What it was put in with.
        original: The document before; a table around ours that it had stays, though it be empty, and a last line
            without a line break has none again.
    """
    expected = parse_toml(text)
    try:
        there = path[-1] in _table(expected, path[:-1])
    except InvalidText:
        return text
    if not there:
        return text
    had = parse_toml(original) if original is not None else {}
    gone = [path]
    while len(gone[-1]) > 1 and len(_table(expected, gone[-1][:-1])) == 1 and not _has(had, gone[-1][:-1]):
        gone.append(gone[-1][:-1])
    del _table(expected, gone[-1][:-1])[gone[-1][-1]]
    newline = "\r\n" if "\r\n" in text else "\n"
    block = _block(path, value).replace("\n", newline)
    for ours in (newline + block, block):
        before, found, after = text.partition(ours)
        if found:
            try:
                return _ended_as(original, _checked(before + after, expected), text, path)
            except InvalidText:
                continue

    def drop(document: Any) -> None:
        table = document
        for key in gone[-1][:-1]:
            table = table[key]
        del table[gone[-1][-1]]

    return _ended_as(original, _edited(text, expected, drop), text, path)


def _ended_as(original: str | None, edited: str, text: str, path: tuple[str, ...]) -> str:
    """Take the line break from a last line that had none before our table was put behind it."""
    bare = edited.rstrip("\r\n")
    ours_was_last = text.startswith(bare) and text[len(bare) :].lstrip().startswith(f"[{'.'.join(path)}")
    return bare if original and not original.endswith("\n") and ours_was_last else edited


def _block(path: tuple[str, ...], value: Mapping[str, Any]) -> str:
    import tomlkit

    lines = [
        f"[{'.'.join(path)}]",
        *(f"{key} = {tomlkit.item(each).as_string()}" for key, each in value.items()),
    ]
    return "\n".join(lines) + "\n"


def _edited(text: str, expected: dict[str, Any], change: Callable[[Any], None]) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        change(document)
        return _checked(tomlkit.dumps(document), expected)
    except TOMLKitError as error:
        raise InvalidText(str(error), 1, 1) from error


def _assign(document: Any, path: tuple[str, ...], value: Any) -> None:
    import tomlkit

    table = document
    for key in path[:-1]:
        if key not in table:
            table[key] = tomlkit.table()
        table = table[key]
    table[path[-1]] = value


def _table(data: dict[str, Any], path: tuple[str, ...], *, make: bool = False) -> dict[str, Any]:
    for depth, key in enumerate(path, 1):
        data = data.setdefault(key, {}) if make else data.get(key, {})
        if not isinstance(data, dict):
            name, sample = ".".join(path[:depth]), f"[{'.'.join(path)}.NAME]"
            raise InvalidText(f"{name} is not a table", 1, 1, remedy=f"the file has to look like {sample}")
    return data


def check_way(text: str, data: dict[str, Any], path: tuple[str, ...]) -> None:
    """Make sure that what a path leads through are tables, as far as it goes.

    Raises:
        InvalidText: Something on the way is not a table.
    """
    found: Any = data
    for depth, key in enumerate(path):
        if not isinstance(found, dict):
            name = ".".join(path[:depth])
            line = re.search(rf"^[ \t]*\[*[ \t]*{re.escape(name)}\b", text, re.MULTILINE)
            raise InvalidText(
                f"{name} is not a table but {_KINDS.get(type(found), 'a value')}",
                1 if line is None else text.count("\n", 0, line.start()) + 1,
                1,
                remedy=f"the file has to look like [{'.'.join(path)}]",
            )
        if key not in found:
            return
        found = found[key]


def _has(data: dict[str, Any], path: tuple[str, ...]) -> bool:
    found: Any = data
    for key in path:
        if not isinstance(found, dict) or key not in found:
            return False
        found = found[key]
    return True


def _checked(edited: str, expected: dict[str, Any]) -> str:
    """Return the edited text when it says just what is expected: nothing of ours may ever break a file."""
    if parse_toml(edited) != expected:
        raise InvalidText("it cannot be edited safely", 1, 1)
    return edited
