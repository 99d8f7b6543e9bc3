"""Writes plain data as YAML that a person can read and edit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from loopengt.spec import parse_document
from loopengt.templates import yaml_scalar

__all__ = ["emit_yaml"]

_BLOCK: Final = re.compile(r"(?!\s)[\t\x20-\x7e\xa1-\ud7ff\ue000-\ufefe\n]+\n?")
"""Text of several lines that may stand as it is in a block."""
_LONGEST_FLOW: Final = 100


def emit_yaml(data: Mapping[str, Any]) -> str:
    """Return JSON data as YAML; reading it gives exactly the data again."""
    text = "".join(f"{line}\n" for line in _mapping(data, 0, blocks=True))
    if parse_document(text).data == data:
        return text
    # Something in it is not what it seems in a block: everything in quotes has no such places.
    return "".join(f"{line}\n" for line in _mapping(data, 0, blocks=False))


def _mapping(data: Mapping[str, Any], depth: int, *, blocks: bool) -> Iterator[str]:
    margin = "  " * depth
    for key, value in data.items():
        head = f"{margin}{yaml_scalar(key)}:"
        if isinstance(value, dict) and value:
            yield head
            yield from _mapping(value, depth + 1, blocks=blocks)
        elif isinstance(value, list) and value and not _is_flat(value):
            yield head
            yield from _items(value, depth + 1, blocks=blocks)
        elif blocks and isinstance(value, str) and _is_block(value):
            yield from _block(head, value, depth + 1)
        else:
            yield f"{head} {_inline(value)}"


def _items(items: list[Any], depth: int, *, blocks: bool) -> Iterator[str]:
    margin = "  " * depth
    for item in items:
        if isinstance(item, dict) and item:
            first, *rest = _mapping(item, depth + 1, blocks=blocks)
            yield f"{margin}- {first.lstrip()}"
            yield from rest
        elif blocks and isinstance(item, str) and _is_block(item):
            yield from _block(f"{margin}-", item, depth + 1)
        else:
            yield f"{margin}- {_inline(item)}"


def _is_block(text: str) -> bool:
    return "\n" in text.rstrip("\n") and not text.endswith("\n\n") and _BLOCK.fullmatch(text) is not None


def _block(head: str, text: str, depth: int) -> Iterator[str]:
    margin = "  " * depth
    yield f"{head} |" if text.endswith("\n") else f"{head} |-"
    for line in text.removesuffix("\n").split("\n"):
        yield f"{margin}{line}" if line else ""


def _is_flat(items: list[Any]) -> bool:
    """Whether a list is short, and of single values: such as a command."""
    return not any(isinstance(item, dict | list) for item in items) and len(_inline(items)) <= _LONGEST_FLOW


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{yaml_scalar(key)}: {_inline(each)}' for key, each in value.items())}}}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return yaml_scalar(value)
