"""Reads the files by which a project is recognised; one that cannot be read is as if it were not there."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["has_file", "json_of", "text_of", "toml_of"]

_MOST_BYTES: Final = 2_000_000


def has_file(project: Path, *names: str) -> bool:
    """Whether the project has one of some files."""
    return any((project / name).is_file() for name in names)


def text_of(file: Path) -> str:
    """Return the text of a file; empty when it cannot be read, is larger than 2 MB, or is no regular file."""
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return ""
        return file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return ""


def toml_of(file: Path) -> dict[str, Any]:
    """Return the data of a TOML file; empty when it cannot be read."""
    try:
        return tomllib.loads(text_of(file))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def json_of(file: Path) -> dict[str, Any]:
    """Return the object of a JSON file; empty when it cannot be read, or is none."""
    try:
        data = json.loads(text_of(file) or "null")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
