"""Puts one entry into a JSON text with comments and takes it out again; all else keeps its bytes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from loopengt_adapters.editing.jsonc import InvalidText, open_collection, parse, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopengt_adapters.editing.jsonc import Collection

__all__ = ["append", "check_way", "put", "remove"]

_SAME_LINE_COMMENT = re.compile(r"[ \t]*(?://[^\n\r]*|/\*[^\n\r]*?\*/(?=[ \t]*(?:[\n\r}\]]|$)))")
_BLANKS = " \t\r\n"
_UNIT = "  "

Path = tuple[str | int, ...]


def put(text: str, path: Path, value: Any) -> str:
    """Set the value at a path, and make the objects that lead there.

    Args:
        text: The document; one of blanks and comments counts as an empty object.
        path: Keys, and indices of elements that exist.
        value: JSON data.

    Raises:
        InvalidText: It is not valid, or something on the way is not an object.
    """
    if not plain(text).strip():
        return _new_document(text, path, value)
    data = parse(text)
    chain, there = _descend(text, path)
    if len(there) == len(path):
        _at(data, path[:-1])[path[-1]] = value
        return _checked(_replace(text, chain, path[-1], value), data)
    key, *inner = path[len(there) :]
    for name in reversed(inner):
        value = {name: value}
    _at(data, there)[key] = value
    return _checked(_insert(text, chain, key, value), data)


def check_way(text: str, path: Path) -> None:
    """Make sure that a path can be followed as far as it goes.

    Args:
        text: A valid document; one of blanks and comments counts as an empty object.
        path: Keys; a last index says that a list is expected before it.

    Raises:
        InvalidText: Something on the way is of the wrong kind, or a key of the path stands twice.
    """
    if plain(text).strip():
        _descend(text, path)


def append(text: str, path: Path, value: Any) -> str:
    """Add an element to the list at a path, which is made where there is none; errors are those of ``put``."""
    data = found = parse(text) if plain(text).strip() else {}
    for key in path:
        if not isinstance(found, dict) or key not in found:
            return put(text, path, [value])
        found = found[key]
    if not isinstance(found, list):
        found = []  # which the descent refuses, with the place
    chain, _ = _descend(text, (*path, len(found)))
    found.append(value)
    return _checked(_insert(text, chain, None, value), data)


def remove(text: str, path: Path, original: str | None) -> str:
    """Take the value at a path out, and what was made around it.

    Args:
        text: The document.
        path: Keys and indices.
        original: The document before ours was put in: a collection that is empty now and was there then stays,
            as it was. None: what is empty now goes.

    Raises:
        InvalidText: It is not valid.
    """
    data = parse(text)
    chain, there = _descend(text, path)
    if len(there) < len(path):
        return text
    del _at(data, path[:-1])[path[-1]]
    edited = _cut(text, chain[-1], _index(chain[-1], path[-1]), data)
    outer = path[:-1]
    # An element's index tells nothing of another document.
    if _at(data, outer) or not all(isinstance(key, str) for key in outer):
        return edited
    inside = _collection(edited, outer)
    was = None if original is None else _collection_text(original, outer)
    if inside is not None and was is not None and not parse(was):
        return _checked(edited[: inside.start] + was + edited[inside.close + 1 :], data)
    if inside is None or was is not None or not outer or edited[inside.start + 1 : inside.close].strip():
        return edited
    return remove(edited, outer, original)


def _descend(text: str, path: Path) -> tuple[list[Collection], Path]:
    """Return the collections that a path leads through, and as much of the path as there is.

    Args:
        text: A valid document.
        path: Keys and indices.

    Raises:
        InvalidText: The document, or something on the way, is not a collection of the right kind, or has a key of
            the path twice.
    """
    blanked = plain(text)
    start = len(blanked) - len(blanked.lstrip())
    chain: list[Collection] = []
    for depth, key in enumerate(path):
        if blanked[start] != ("{" if isinstance(key, str) else "["):
            raise _wrong_kind(text, blanked, path, depth, start)
        chain.append(open_collection(text, blanked, start))
        _refuse_twins(text, chain[-1], path[: depth + 1])
        index = _index(chain[-1], key)
        if index is None:
            return chain, path[:depth]
        start = chain[-1].items[index].value_start
    return chain, path


def _index(collection: Collection, key: str | int) -> int | None:
    if isinstance(key, int):
        return key if key < len(collection.items) else None
    return next((i for i, item in reversed([*enumerate(collection.items)]) if item.key == key), None)


def _insert(text: str, chain: Sequence[Collection], key: str | int | None, value: Any) -> str:
    """Put a member behind the last of the innermost collection, in the style of its neighbours."""
    into = chain[-1]
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = _unit(text, chain[0])

    def member(indent: str | None) -> str:
        name = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
        return name + (_inline(value) if indent is None else _dump(value, newline + indent, unit))

    if not into.items:
        return _fill(text, into, member, newline, unit, inline=len(chain) > 1 and "\n" not in text.strip())
    first, last = into.items[0], into.items[-1]
    after = last.end if last.comma is None else last.comma + 1
    comma = "," if last.comma is None else ""
    own_comma = "" if last.comma is None else ","
    if "\n" not in text[into.start : first.start]:
        return f"{text[: last.end]}{comma}{text[last.end : after]} {member(None)}{own_comma}{text[after:]}"
    indent = (
        _indent_of(text, last.start)
        if "\n" in text[first.end : last.start]
        else _indent_of(text, first.start)
    )
    note = _SAME_LINE_COMMENT.match(text, after)
    place = after if note is None else note.end()
    head = f"{text[: last.end]}{comma}{text[last.end : place]}"
    return f"{head}{newline}{indent}{member(indent)}{own_comma}{text[place:]}"


def _fill(
    text: str, into: Collection, member: Callable[[str | None], str], newline: str, unit: str, *, inline: bool
) -> str:
    """Put the first member into an empty collection."""
    inside = text[into.start + 1 : into.close]
    if inline and not inside.strip():
        return f"{text[: into.start + 1]}{member(None)}{text[into.close :]}"
    base = _indent_of(text, into.start)
    kept = inside.rstrip(_BLANKS)
    filled = f"{kept}{newline}{base}{unit}{member(base + unit)}{newline}{base}"
    return text[: into.start + 1] + filled + text[into.close :]


def _cut(text: str, collection: Collection, index: int | None, expected: Any) -> str:
    """Take an item out with the comma and the blanks that belong to it."""
    assert index is not None
    item = collection.items[index]
    begin, end = item.start, item.end
    while text[begin - 1] in _BLANKS:
        begin -= 1
    gone: list[tuple[int, int]] = []
    if item.comma is not None and not text[end : item.comma].strip():
        end = item.comma + 1
    elif item.comma is not None:
        gone.append((item.comma, item.comma + 1))
    elif index and (before := collection.items[index - 1].comma) is not None:
        gone.append((before, before + 1))
    if (
        len(collection.items) == 1
        and not (text[collection.start + 1 : begin] + text[end : collection.close]).strip()
    ):
        begin, end = collection.start + 1, collection.close
    elif begin == item.start and index == 0:
        while text[end] in " \t":
            end += 1
    for start in (begin, item.start):  # blanks may end a comment, and then have to stay
        edited = text
        for a, b in sorted([*gone, (start, end)], reverse=True):
            edited = edited[:a] + edited[b:]
        try:
            return _checked(edited, expected)
        except InvalidText as error:
            problem = error
    raise problem


def _new_document(text: str, path: Path, value: Any) -> str:
    for key in reversed(path):
        value = {key: value}
    newline = "\r\n" if "\r\n" in text else "\n"
    kept = text.rstrip(_BLANKS)
    return (kept + newline if kept else "") + _dump(value, newline, _UNIT) + newline


def _replace(text: str, chain: Sequence[Collection], key: str | int, value: Any) -> str:
    index = _index(chain[-1], key)
    assert index is not None
    item = chain[-1].items[index]
    line = text[text.rfind("\n", 0, item.start) + 1 : item.start]
    newline = "\r\n" if "\r\n" in text else "\n"
    dumped = _inline(value) if line.strip() else _dump(value, newline + line, _unit(text, chain[0]))
    return text[: item.value_start] + dumped + text[item.end :]


def _dump(value: Any, newline: str, unit: str) -> str:
    """Write an object a member a line, and everything else on one; ``newline`` holds the indentation, too."""
    if not isinstance(value, dict) or not value:
        if isinstance(value, list) and any(isinstance(each, dict) for each in value):
            inner = [newline + unit + _dump(each, newline + unit, unit) for each in value]
            return f"[{','.join(inner)}{newline}]"
        return _inline(value)
    lines = [
        f"{newline}{unit}{_inline(key)}: {_dump(each, newline + unit, unit)}" for key, each in value.items()
    ]
    return f"{{{','.join(lines)}{newline}}}"


def _inline(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _unit(text: str, root: Collection) -> str:
    if root.items and "\n" in text[root.start : root.items[0].start]:
        return _indent_of(text, root.items[0].start) or _UNIT
    return _UNIT


def _indent_of(text: str, at: int) -> str:
    """Return the blanks that the line of a place begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _collection(text: str, path: Path) -> Collection | None:
    """Return the object or list at a path, or None."""
    blanked = plain(text)
    start = len(blanked) - len(blanked.lstrip())
    if path:
        chain, there = _descend(text, path)
        index = _index(chain[-1], path[-1]) if len(there) == len(path) else None
        if index is None:
            return None
        start = chain[-1].items[index].value_start
    return open_collection(text, blanked, start) if blanked[start : start + 1] in ("{", "[") else None


def _collection_text(text: str, path: Path) -> str | None:
    """Return the text of the object or list at a path of another document, or None."""
    try:
        parse(text)
        found = _collection(text, path)
    except InvalidText:
        return None
    return None if found is None else text[found.start : found.close + 1]


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data[key]
    return data


def _checked(edited: str, expected: Any) -> str:
    """Return the edited text when it says just what is expected: nothing of ours may ever break a file."""
    if parse(edited) != expected:
        raise InvalidText("it has a key twice, so that it cannot be edited safely", 1, 1)
    return edited


def _refuse_twins(text: str, collection: Collection, path: Path) -> None:
    """Refuse a key that stands twice: programs differ in which of the two they read."""
    twins = [item for item in collection.items if item.key is not None and item.key == path[-1]]
    if len(twins) > 1:
        raise InvalidText(
            f"the key {'.'.join(map(str, path))} stands here for the second time",
            *_place(text, twins[1].start),
            remedy="keep one of the two",
        )


_KINDS = {"[": "a list", "{": "an object", '"': "a text", "n": "null", "t": "true", "f": "false"}


def _wrong_kind(text: str, blanked: str, path: Path, depth: int, at: int) -> InvalidText:
    """Say what is there in place of an object or a list, and what is expected."""
    wanted, sample = ("an object", "{…}") if isinstance(path[depth], str) else ("a list", "[…]")
    name = ".".join(map(str, path[:depth])) or "the document"
    for key in reversed(path[:depth]):
        sample = f'{{"{key}": {sample}}}'
    found = _KINDS.get(blanked[at], "a number")
    return InvalidText(
        f"{name} is not {wanted} but {found}", *_place(text, at), remedy=f"the file has to look like {sample}"
    )


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
