"""Replaces texts within encoded JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["replace_texts"]

_MOST_TOGETHER = 4_000_000
"""Bytes that are handed over at once."""


def replace_texts(many: Sequence[bytes], clean: Callable[[list[str]], list[str]]) -> list[bytes]:
    """Return UTF-8 bytes with every text in them, keys included, as ``clean`` makes it.

    Args:
        many: Encoded JSON; what is none is one text by itself.
        clean: Takes some texts, and returns as many.
    """
    done: list[bytes] = []
    group: list[bytes] = []
    size = 0
    for data in many:
        group.append(data)
        size += len(data)
        if size > _MOST_TOGETHER:
            done += _replaced(group, clean)
            group, size = [], 0
    return done + _replaced(group, clean) if group else done


def _replaced(group: list[bytes], clean: Callable[[list[str]], list[str]]) -> list[bytes]:
    values = [_decoded(data) for data in group]
    texts = list(dict.fromkeys(text for value, _ in values for text in _texts(value)))
    changed = {old: new for old, new in zip(texts, clean(texts), strict=True) if old != new} if texts else {}
    if not changed:
        return group
    return [_encoded(data, *value, changed) for data, value in zip(group, values, strict=True)]


def _decoded(data: bytes) -> tuple[Any, bool]:
    """Return the data, and whether it is JSON."""
    try:
        return msgspec.json.decode(data), True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data.decode("utf-8", "surrogateescape"), False


def _encoded(data: bytes, value: Any, is_json: bool, changed: dict[str, str]) -> bytes:
    found = _with(value, changed)
    if found == value:
        return data
    return msgspec.json.encode(found) if is_json else found.encode("utf-8", "surrogateescape")


def _texts(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if item:
                yield item
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            pending += item.keys()
            pending += item.values()


def _with(value: Any, changed: dict[str, str]) -> Any:
    if isinstance(value, str):
        return changed.get(value, value)
    if isinstance(value, list):
        return [_with(item, changed) for item in value]
    if isinstance(value, dict):
        return {changed.get(key, key): _with(item, changed) for key, item in value.items()}
    return value
