"""Says in a person's words what SQLite and the file system refuse."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import StorageCorrupt, StorageError, StorageFull, StorageReadOnly

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OTHER_PATH", "code_of", "from_os", "from_sqlite"]

OTHER_PATH = "Name another file with `path` under [plugins.storage_sqlite] in config.toml."
"""What to do when the file cannot be ours."""

_LITTLE_SPACE = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or 0 when the error does not come from the library."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def from_sqlite(error: sqlite3.Error, path: Path) -> StorageError:
    """Return the error of the contract that says what SQLite's error means for the database at ``path``."""
    code = code_of(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _little_space(path)):
        return _full(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _corrupt(error, path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError(
            f"{path} is locked: another program has been writing to it for too long",
            remedy=f"See which one with `fuser -v '{path}'`, end it, then try again.",
        )
    if path.is_dir():
        return StorageError(f"{path} is a folder, not a database", remedy=OTHER_PATH)
    moved = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED
    if not moved and (
        code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
        or (code == sqlite3.SQLITE_CANTOPEN and not _writable(path))
    ):
        return _read_only(path)
    if moved or not path.exists():
        return StorageError(
            f"{path} was moved or deleted while it was in use", remedy="Put it back, then try again."
        )
    return StorageError(
        f"SQLite cannot use {path}: {error}",
        remedy="Run `loopengt doctor`, and check that the disk is sound and has space left.",
    )


def from_os(error: OSError, path: Path) -> StorageError:
    """Return the error of the contract for a file or folder that the system does not let us make."""
    if error.errno in _FORBIDDEN:
        return _read_only(path)
    if error.errno in _FULL:
        return _full(path)
    return StorageError(f"{path} cannot be made: {error.strerror or error}", remedy=OTHER_PATH)


def _full(path: Path) -> StorageFull:
    return StorageFull(
        f"no space is left to write to {path}; nothing was appended",
        remedy="Free some space on that disk (or raise the quota), then `loopengt resume RUN`.",
    )


def _read_only(path: Path) -> StorageReadOnly:
    return StorageReadOnly(
        f"{path} may not be written by this user",
        remedy=(
            f"Make it and its folder writable (`chmod u+w '{path.parent}' '{path}'`, or mount the disk for "
            "writing), or name another file with `path` under [plugins.storage_sqlite] in config.toml."
        ),
    )


def _corrupt(error: sqlite3.Error, path: Path) -> StorageCorrupt:
    what = "is not an SQLite database" if code_of(error) == sqlite3.SQLITE_NOTADB else "is damaged"
    return StorageCorrupt(
        f"{path} {what}: {error}",
        remedy=(
            "What is sound in it stays readable. To begin anew, move it away together with its -wal file "
            f"(`mv '{path}' '{path}.damaged'`); "
            f"`sqlite3 '{path}.damaged' .recover` shows what it still holds."
        ),
    )


def _writable(path: Path) -> bool:
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def _little_space(path: Path) -> bool:
    # SQLite says "disk I/O error" where a quota or the -shm file is the matter.
    try:
        return shutil.disk_usage(path.parent).free < _LITTLE_SPACE
    except OSError:
        return False
