"""The tables, and how a database of an older version becomes one of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import StorageError, StorageTooNew
from loopengt_storage_sqlite.connect import use_wal
from loopengt_storage_sqlite.failures import OTHER_PATH

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SEQ_BITS", "Migration", "is_current", "migrate"]

APPLICATION_ID = int.from_bytes(b"loop", "big")
"""Tells our databases from those of other programs."""

SEQ_BITS = 32
"""An event row's id is the run's number, shifted left by so much, plus the position of its last event.

So one b-tree, without any index beside it, finds a journal's rows and holds them in their order; a batch's
first position follows from the row before it.
"""

# Rows of half a kilobyte leave up to a tenth of a page of 4 KB unused; larger pages cost more to log.
_PAGE_SIZE = 4096

Migration = Callable[[sqlite3.Cursor], object]


def _create_tables(cursor: sqlite3.Cursor) -> None:
    cursor.execute(
        """CREATE TABLE runs (
            no INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            loop_name TEXT NOT NULL,
            status TEXT NOT NULL,
            reason TEXT,
            detail TEXT NOT NULL,
            turn INTEGER NOT NULL,
            tokens INTEGER NOT NULL,
            cost_usd REAL NOT NULL,
            started_at REAL NOT NULL,
            completed_at REAL,
            owner TEXT,
            lease_until REAL NOT NULL,
            fence INTEGER NOT NULL
        )"""
    )
    cursor.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, payload BLOB NOT NULL)")
    cursor.execute(
        "CREATE TABLE signals (id INTEGER PRIMARY KEY, no INTEGER NOT NULL, payload TEXT NOT NULL)"
    )
    cursor.execute("CREATE TABLE blobs (digest BLOB PRIMARY KEY, data BLOB NOT NULL)")


def _add_parents_and_ages(cursor: sqlite3.Cursor) -> None:
    """Runs name their parent, their numbers are never given out again, and blobs know when they were stored."""
    # Made anew, since AUTOINCREMENT cannot be added: were the number of a deleted run given to the next one, a lease
    # on the first would be good for the second.
    cursor.execute(
        """CREATE TABLE numbered_runs (
            no INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id TEXT NOT NULL UNIQUE,
            loop_name TEXT NOT NULL,
            status TEXT NOT NULL,
            reason TEXT,
            detail TEXT NOT NULL,
            turn INTEGER NOT NULL,
            tokens INTEGER NOT NULL,
            cost_usd REAL NOT NULL,
            started_at REAL NOT NULL,
            completed_at REAL,
            owner TEXT,
            lease_until REAL NOT NULL,
            fence INTEGER NOT NULL,
            parent TEXT
        )"""
    )
    cursor.execute("INSERT INTO numbered_runs SELECT *, NULL FROM runs")
    cursor.execute("DROP TABLE runs")
    cursor.execute("ALTER TABLE numbered_runs RENAME TO runs")
    # Beside the blobs, not in them: to change a row, SQLite writes all of it.
    cursor.execute("CREATE TABLE blob_times (digest BLOB PRIMARY KEY, stored_at REAL NOT NULL) WITHOUT ROWID")
    cursor.execute("INSERT INTO blob_times SELECT digest, ? FROM blobs", (time(),))


MIGRATIONS: tuple[Migration, ...] = (_create_tables, _add_parents_and_ages)
"""The migration at index N turns version N into N + 1; version 0 is an empty file. Never change, only add."""


def is_current(
    connection: sqlite3.Connection, path: Path, migrations: tuple[Migration, ...] = MIGRATIONS
) -> bool:
    """Say whether the database has this version's tables; False when it has to be migrated.

    Raises:
        StorageTooNew: It was written by a newer version.
        StorageError: It belongs to another program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != APPLICATION_ID and (owner or version or tables):
        raise StorageError(f"{path} is a database of another program", remedy=OTHER_PATH)
    if version > len(migrations):
        raise StorageTooNew(
            f"{path} has version {version} of the tables, and this loopengt knows {len(migrations)}; "
            "nothing in it was changed",
            remedy="Install the newer loopengt: `pip install --upgrade loopengt`.",
        )
    return bool(version == len(migrations))


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    patience: float,
    migrations: tuple[Migration, ...] = MIGRATIONS,
) -> None:
    """Bring a database, also an empty one, to this version in one transaction.

    Any number of processes may do so at once: the first one migrates, the others find it done.

    Raises:
        StorageTooNew, StorageError: As ``is_current`` says.
    """
    connection.execute(f"PRAGMA page_size={_PAGE_SIZE}")
    cursor = connection.cursor()
    cursor.execute("BEGIN EXCLUSIVE")
    try:
        if not is_current(connection, path, migrations):
            (version,) = cursor.execute("PRAGMA user_version").fetchone()
            for step in migrations[version:]:
                step(cursor)
            cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
            cursor.execute(f"PRAGMA user_version={len(migrations)}")
        cursor.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            cursor.execute("ROLLBACK")
        raise
    use_wal(connection, patience)
