"""Gives space back: removes blobs that nobody refers to, and the file's unused pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from time import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["compact", "drop_blobs", "note_untimed", "old_blobs", "pieces"]

_PIECE = 100
"""So many blobs are removed in one transaction, so that appends get their turn in between."""

_WORTH = 8
"""A file is written anew when more than one page in so many is unused."""


def note_untimed(cursor: sqlite3.Cursor) -> None:
    """Take blobs without a time, which a process of an older version has stored, for new ones."""
    cursor.execute(
        "INSERT INTO blob_times SELECT digest, ? FROM blobs WHERE digest NOT IN (SELECT digest FROM blob_times)",
        (time(),),
    )


def old_blobs(connection: sqlite3.Connection, keep: Collection[str], until: float) -> list[tuple[bytes, int]]:
    """Return digest and size of the blobs that were stored no later than ``until``, but for those to keep."""
    found = connection.execute(
        "SELECT digest, length(data) FROM blobs JOIN blob_times USING (digest) WHERE stored_at <= ?", (until,)
    )
    return [(digest, size) for digest, size in found if digest.hex() not in keep]


def pieces(blobs: list[tuple[bytes, int]]) -> list[list[tuple[bytes, int]]]:
    """Divide blobs among transactions."""
    return [blobs[start : start + _PIECE] for start in range(0, len(blobs), _PIECE)]


def drop_blobs(cursor: sqlite3.Cursor, blobs: list[tuple[bytes, int]], until: float) -> int:
    """Remove blobs, except those that were stored again since they were looked up; return their bytes."""
    freed = 0
    for digest, size in blobs:
        if cursor.execute(
            "DELETE FROM blob_times WHERE digest = ? AND stored_at <= ?", (digest, until)
        ).rowcount:
            cursor.execute("DELETE FROM blobs WHERE digest = ?", (digest,))
            freed += size
    return freed


def compact(path: Path, connect: Callable[[], sqlite3.Connection]) -> int:
    """Write the database anew without its unused pages, when that is worth it; return how much smaller it is."""
    before = _size(path)
    connection = connect()
    try:
        (unused,) = connection.execute("PRAGMA freelist_count").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        if unused * _WORTH <= pages:
            return 0
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    return max(0, before - _size(path))


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists())
