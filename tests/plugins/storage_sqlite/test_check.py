"""What ``check`` finds in a database that somebody tampered with, and what reading says of it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from loopengt_hookspecs.storage import RunRow, StorageCorrupt

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_storage_sqlite.storage import SqliteStorage


async def _findings_after(storage: SqliteStorage, path: Path, statement: str) -> list[str]:
    lease = await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    for seq in range(1, 4):
        await storage.append(lease, seq, 1, b"[%d]" % (seq + 1))
    await storage.put_blob(b"text")
    assert await storage.check() == []
    tamper = sqlite3.connect(path, isolation_level=None)
    tamper.execute(statement)
    tamper.close()
    return await storage.check()


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM events WHERE payload = x'5b325d'", "2 should"),
        ("UPDATE events SET payload = x'5b31' WHERE payload = x'5b325d'", "up to position 2"),
        ("UPDATE events SET payload = x'7b7d' WHERE payload = x'5b325d'", "not a JSON array"),
        ("DELETE FROM events", "Run run-1: its journal is empty"),
        ("DELETE FROM runs", "journal of run number 1 has no run"),
        ("UPDATE blobs SET data = x'00'", "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"),
    ],
)
async def test_tampering_is_found(storage: SqliteStorage, path: Path, statement: str, finding: str) -> None:
    """Lost, changed and stray rows and changed blobs are each one finding that names the object."""
    findings = await _findings_after(storage, path, statement)
    assert len(findings) == 1
    assert finding in findings[0]


async def test_a_changed_blob_is_not_returned(storage: SqliteStorage, path: Path) -> None:
    """Bytes that do not match their digest are refused as damaged."""
    digest = await storage.put_blob(b"text")
    tamper = sqlite3.connect(path, isolation_level=None)
    tamper.execute("UPDATE blobs SET data = x'00'")
    tamper.close()
    with pytest.raises(StorageCorrupt, match="does not match its digest"):
        await storage.get_blob(digest)
