"""The tables of the memories, which have a version of their own beside that of the runs in the same file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import StorageError, StorageTooNew
from loopengt_memory.store.failures import OTHER_PATH

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

__all__ = ["APPLICATION_ID", "MIGRATIONS", "has_tables", "migrate"]

APPLICATION_ID = int.from_bytes(b"loop", "big")
"""Tells databases of loopengt from those of other programs; the storage of runs looks for it, too."""

Migration = Callable[["sqlite3.Cursor"], object]


def _create_tables(cursor: sqlite3.Cursor) -> None:
    cursor.execute(
        """CREATE TABLE memory_scopes (
            no INTEGER PRIMARY KEY,
            scope TEXT NOT NULL,
            name TEXT NOT NULL,
            last INTEGER NOT NULL DEFAULT 0,
            removals INTEGER NOT NULL DEFAULT 0,
            UNIQUE (scope, name)
        )"""
    )
    # An entry's number is that of its scope, shifted left by 32, plus its own: one range of numbers is one scope,
    # also for the index of words, and the highest are the newest.
    cursor.execute(
        """CREATE TABLE memory_entries (
            no INTEGER PRIMARY KEY,
            scope_no INTEGER NOT NULL,
            entry_id TEXT NOT NULL,
            content TEXT NOT NULL,
            metadata TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (scope_no, entry_id)
        )"""
    )
    cursor.execute(
        """CREATE TABLE memory_metadata (
            key TEXT NOT NULL, value TEXT NOT NULL, no INTEGER NOT NULL, PRIMARY KEY (key, value, no)
        ) WITHOUT ROWID"""
    )
    # Without a content of its own: what is indexed is not the text, but its words as `words.indexed` writes them.
    cursor.execute(
        """CREATE VIRTUAL TABLE memory_words USING fts5(
            words, content='', tokenize='porter unicode61 remove_diacritics 2'
        )"""
    )
    cursor.execute(
        """CREATE TABLE memory_models (
            no INTEGER PRIMARY KEY,
            scope_no INTEGER NOT NULL,
            model TEXT NOT NULL,
            dimensions INTEGER NOT NULL,
            UNIQUE (scope_no, model)
        )"""
    )
    cursor.execute(
        "CREATE TABLE memory_vectors (no INTEGER PRIMARY KEY, norm REAL NOT NULL, vector BLOB NOT NULL)"
    )
    # Apart from the vectors, so that a search reads a sixteenth of what they take.
    cursor.execute(
        "CREATE TABLE memory_codes (no INTEGER PRIMARY KEY, model_no INTEGER NOT NULL, code BLOB NOT NULL)"
    )


MIGRATIONS: tuple[Migration, ...] = (_create_tables,)
"""The migration at index N turns version N into N + 1; version 0 has no tables. Never change, only add."""


def has_tables(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether there are tables of this version.

    Raises:
        StorageTooNew: They are those of a newer version.
        StorageError: The database belongs to another program.
    """
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != APPLICATION_ID and (owner or tables):
        raise StorageError(f"{path} is a database of another program", remedy=OTHER_PATH)
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise StorageTooNew(
            f"{path} has version {version} of the memories' tables, and this loopengt knows {len(MIGRATIONS)}; "
            "nothing in it was changed",
            remedy="Install the newer loopengt: `pip install --upgrade loopengt`.",
        )
    return version == len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Make or renew the tables; any number of processes may do so at once. Raises as ``has_tables`` does."""
    cursor = connection.cursor()
    cursor.execute("BEGIN EXCLUSIVE")
    try:
        if not has_tables(connection, path):
            version = _version(connection)
            for step in MIGRATIONS[version:]:
                step(cursor)
            cursor.execute("CREATE TABLE IF NOT EXISTS memory_schema (version INTEGER NOT NULL)")
            cursor.execute("DELETE FROM memory_schema")
            cursor.execute("INSERT INTO memory_schema VALUES (?)", (len(MIGRATIONS),))
            # In a new file the storage of runs makes its own tables later; its version stays as it is.
            cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
        cursor.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            cursor.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'memory_schema'").fetchone()
    if known is None:
        return 0
    (version,) = connection.execute("SELECT max(version) FROM memory_schema").fetchone()
    return int(version)
