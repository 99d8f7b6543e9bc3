"""Appends on the event loop itself, where that is quicker than a trip to the writer's thread and back.

The trip costs about 0.1 ms, as much as half a durable commit on a quick disk, and several times a commit that
does not wait for the disk. A run that is alone on its event loop gains nothing by it: there is nobody to
share a commit with, and nobody who could go on meanwhile.
"""

from __future__ import annotations

import sqlite3
from time import perf_counter
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import StorageError
from loopengt_storage_sqlite import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.storage import Lease, RunRow
    from loopengt_storage_sqlite.writer import Writer

__all__ = ["Shortcut"]

_QUICK = 0.001
_LARGE = 64 * 1024
_LONGEST = 0.01
"""Seconds after which an append takes the long way, so that other tasks get their turn."""


class Shortcut:
    """A second connection, used from the event loop, that never waits for a lock.

    It serves an append only when nothing else is under way, the run is the one that appended last, and the
    last transaction was quick, so that it cannot hold the event loop up. From time to time an append takes
    the long way all the same: so other tasks get their turn, and the writer can tidy the log.

    Args:
        writer: Whatever the shortcut does not take goes there.
        connect: Opens a connection to write, with the patience given in seconds.
    """

    def __init__(self, writer: Writer, connect: Callable[[], sqlite3.Connection]) -> None:
        self._writer = writer
        self._connect = connect
        self._cursor: sqlite3.Cursor | None = None
        self._last = 0
        self._since = 0.0

    def append(
        self, lease: Lease, expected_seq: int, count: int, payload: bytes, row: RunRow | None, release: bool
    ) -> bool:
        """Append and return True, or return False: nothing was written, and the writer has to do it."""
        started = perf_counter()
        if not self._fits(lease.handle, len(payload), started):
            return False
        try:
            cursor = self._cursor or self._open()
            if row is None and not release:  # One statement is a transaction of its own.
                jobs.append(cursor, lease, expected_seq, count, payload, None, False)
            else:
                cursor.execute("BEGIN IMMEDIATE")
                jobs.append(cursor, lease, expected_seq, count, payload, row, release)
                cursor.execute("COMMIT")
        except (sqlite3.Error, StorageError):
            self.close()  # The writer tries again, and says what is wrong.
            return False
        except BaseException:
            self.close()
            raise
        self._writer.seconds = perf_counter() - started
        return True

    def close(self) -> None:
        """Let go of the connection, and of what is not committed; the next append opens another."""
        if self._cursor is not None:
            connection, self._cursor = self._cursor.connection, None
            connection.close()

    def _fits(self, handle: int, size: int, now: float) -> bool:
        alone = handle == self._last and not self._writer.waiting
        self._last = handle
        if not alone or self._writer.seconds >= _QUICK or size >= _LARGE or now - self._since >= _LONGEST:
            self._since = now
            return False
        return True

    def _open(self) -> sqlite3.Cursor:
        connection = self._connect()
        connection.execute("PRAGMA wal_autocheckpoint=0")
        self._cursor = connection.cursor()
        return self._cursor
