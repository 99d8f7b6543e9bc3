"""Reads a template's folder: small text files, and no links."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_BYTES", "MAX_FILES", "read_folder"]

MAX_FILES: Final = 100
"""Most files of a template."""
MAX_BYTES: Final = 1_000_000
"""Most bytes of all its files together."""
_LEFT_OUT: Final = frozenset({".git", "__pycache__", ".DS_Store"})


def read_folder(folder: Path) -> dict[str, str]:
    """Return the files of a folder: relative path with ``/`` to text, sorted.

    Raises:
        UsageError: One is a link, a device or no UTF-8 text, they are too many or too large, or cannot be read.
    """
    found: dict[str, str] = {}
    size = 0
    try:
        for name, path in sorted(_files(folder, "")):
            if len(found) == MAX_FILES:
                raise UsageError(f"the template {folder} has more than {MAX_FILES} files")
            raw = _read(path, MAX_BYTES - size)
            size += len(raw)
            found[name] = raw.decode()
    except OSError as exc:
        raise UsageError(f"{exc.filename or folder} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", remedy="A template holds text files.") from None
    return found


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in _LEFT_OUT:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name, Path(entry.path)
            else:
                raise UsageError(
                    f"{entry.path} is a link or no regular file", remedy="A template holds its files itself."
                )


def _read(path: Path, most: int) -> bytes:
    # Not followed either when it became a link just now.
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(number, "rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise UsageError(
            f"the template's files are larger than {MAX_BYTES // 1_000_000} MB, {path} among them"
        )
    return raw
