"""Opens connections to the database: to write, to read, and to read where nothing may be written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from time import monotonic, sleep
from typing import TYPE_CHECKING, Literal

from loopengt_storage_sqlite.failures import code_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Mode", "connect", "reader", "use_wal", "writer"]

Mode = Literal["rw", "rwc"]

_CACHE_KIB = 16 * 1024
_LOG_BYTES = 16 << 20


def connect(path: Path, mode: Mode, patience: float) -> sqlite3.Connection:
    """Open the file.

    Args:
        path: The database file.
        mode: ``rw``: only when it exists. ``rwc``: create it.
        patience: Seconds to wait for other processes' locks.
    """
    return _open(path, f"mode={mode}", patience)


def writer(path: Path, durability: str, patience: float) -> sqlite3.Connection:
    """Open the file to write, with the pragmas that make commits as durable as asked."""
    connection = connect(path, "rw", patience)
    try:
        use_wal(connection, patience)
        level = "NORMAL" if durability == "normal" else "FULL"
        connection.execute(f"PRAGMA synchronous={level}")
        # Without it macOS leaves the data in the disk's own cache, where a power cut reaches it.
        connection.execute("PRAGMA fullfsync=ON")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit={_LOG_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def reader(path: Path, patience: float) -> sqlite3.Connection:
    """Open the file to read, also where this user may not write.

    It is opened ``rw`` with ``query_only``, since a read-only connection leaves -wal and -shm files behind.
    """
    connection = connect(path, "rw", patience)
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError as error:
        connection.close()
        # Nothing may be made in the folder, not even the -shm file. Without it a -wal file cannot be read,
        # and to leave out what is in one would hide durable events; so this is only for closed databases.
        if code_of(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) or _has_wal(path):
            raise
        connection = _open(path, "immutable=1", patience)
    except BaseException:
        connection.close()
        raise
    connection.execute("PRAGMA query_only=ON")
    return connection


def use_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Switch to a write-ahead log; does nothing when that is so already."""
    deadline = monotonic() + patience
    while True:
        try:
            # SQLite does not wait for locks here of its own accord.
            with closing(connection.execute("PRAGMA journal_mode=WAL")):
                return
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
        sleep(0.01)


def _open(path: Path, query: str, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )


def _has_wal(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except FileNotFoundError:
        return False
