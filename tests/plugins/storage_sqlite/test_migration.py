"""How a database of an older version becomes one of this version."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from loopengt_hookspecs.storage import Batch, RunRow, StorageTooNew
from loopengt_storage_sqlite.connect import connect
from loopengt_storage_sqlite.schema import MIGRATIONS, Migration, migrate
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

MIGRATE_TOGETHER = """
import sys
from pathlib import Path
from loopengt_storage_sqlite.connect import connect
from loopengt_storage_sqlite.schema import MIGRATIONS, migrate

def add_notes(cursor):
    cursor.execute("CREATE TABLE notes (text)")
    cursor.execute("INSERT INTO notes VALUES ('migrated')")

path = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
connection = connect(path, "rw", 10)
migrate(connection, path, 10, (*MIGRATIONS, add_notes))
connection.close()
"""


def add_notes(cursor: sqlite3.Cursor) -> None:
    """Be a migration to a version that does not exist yet."""
    cursor.execute("CREATE TABLE notes AS SELECT run_id, 'note' AS text FROM runs")


def _migrate(path: Path, *more: Migration) -> None:
    connection = connect(path, "rw", 10)
    try:
        migrate(connection, path, 10, (*MIGRATIONS, *more))
    finally:
        connection.close()


async def test_an_older_database_is_brought_forward(storage: SqliteStorage, path: Path) -> None:
    """A migration runs on a database that holds runs, keeps them, and sets the version, once."""
    await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    await storage.close()
    _migrate(path, add_notes)
    _migrate(path, add_notes)
    look = sqlite3.connect(path)
    assert look.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    assert look.execute("SELECT * FROM notes").fetchall() == [("run-1", "note")]
    assert look.execute("SELECT count(*) FROM events").fetchone() == (1,)
    look.close()
    with pytest.raises(StorageTooNew):
        await storage.open()


async def test_a_migration_that_fails_changes_nothing(storage: SqliteStorage, path: Path) -> None:
    """When a later migration fails, the earlier ones of the same opening are undone with it."""

    def fail(cursor: sqlite3.Cursor) -> None:
        cursor.execute("DROP TABLE events")
        cursor.execute("INSERT INTO nowhere VALUES (1)")

    await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    await storage.close()
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        _migrate(path, add_notes, fail)
    await storage.open()
    assert [batch async for batch in storage.read("run-1")] == [Batch(1, b"[1]")]
    assert await storage.check() == []


async def test_an_empty_file_is_version_0(path: Path) -> None:
    """A file without any table, as a crash right after its making leaves it, becomes a database."""
    path.parent.mkdir()
    path.touch()
    storage = SqliteStorage(path)
    await storage.open()
    await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    assert await storage.check() == []
    await storage.close()


async def test_processes_that_migrate_at_once(
    storage: SqliteStorage, path: Path, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    """Of processes that migrate one database at the same moment one does, and the others find it done."""
    await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    await storage.close()
    children = [spawn(MIGRATE_TOGETHER, path) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors
    look = sqlite3.connect(path)
    assert look.execute("SELECT * FROM notes").fetchall() == [("migrated",)]
    look.close()
