"""Says in a person's words what SQLite and the file system refuse."""

from __future__ import annotations

import errno
import sqlite3
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import StorageCorrupt, StorageError, StorageFull, StorageReadOnly

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OTHER_PATH", "from_os", "from_sqlite"]

OTHER_PATH = "Name another file with `path` under [plugins.memory] in config.toml."
"""What to do when the file cannot be ours."""

_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def from_sqlite(error: sqlite3.Error, path: Path) -> StorageError:
    """Return the error that says what SQLite's error means for the memories in ``path``."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StorageCorrupt(
            f"the memories in {path} cannot be read: {error}",
            remedy=f"Run `loopengt doctor`; `sqlite3 '{path}' .recover` shows what the file still holds.",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError(
            f"{path} is locked: another program has been writing to it for too long",
            remedy=f"See which one with `fuser -v '{path}'`, end it, then try again.",
        )
    if path.is_dir():
        return StorageError(f"{path} is a folder, not a database", remedy=OTHER_PATH)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return _read_only(path)
    return StorageError(
        f"SQLite cannot use the memories in {path}: {error}",
        remedy="Run `loopengt doctor`, and check that the disk is sound and has space left.",
    )


def from_os(error: OSError, path: Path) -> StorageError:
    """Return the error for a folder that the system does not let us make."""
    if error.errno in _FORBIDDEN:
        return _read_only(path)
    if error.errno in _FULL:
        return _full(path)
    return StorageError(f"{path} cannot be made: {error.strerror or error}", remedy=OTHER_PATH)


def _full(path: Path) -> StorageFull:
    return StorageFull(
        f"no space is left to write to {path}; nothing was remembered",
        remedy="Free some space on that disk (or raise the quota), then try again.",
    )


def _read_only(path: Path) -> StorageReadOnly:
    return StorageReadOnly(
        f"the memories in {path} may not be written by this user",
        remedy=f"Make the file and its folder writable: chmod u+w '{path.parent}' '{path}'. Or: {OTHER_PATH}",
    )
