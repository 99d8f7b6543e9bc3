"""A thread of its own for what is read, so that neither the event loop nor the writer waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from loopengt_storage_sqlite import connect
from loopengt_storage_sqlite.failures import from_sqlite
from loopengt_storage_sqlite.folder import make_folder
from loopengt_storage_sqlite.schema import is_current, migrate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Reader"]

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """One connection that only reads, in one thread.

    Args:
        path: The database.
        patience: Seconds to wait for other processes' locks.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="loopengt-sqlite-reader")

    async def open(self) -> None:
        """Connect, having made or migrated the database when due; does nothing when that is done.

        Raises:
            StorageTooNew, StorageCorrupt, StorageReadOnly, StorageFull, StorageError: As they say.
        """
        await self.run_blocking(self._open)

    async def run(
        self, query: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a query with the connection; short ones, since they come one after the other.

        Raises:
            StorageCorrupt, StorageError: It cannot be read.
        """

        def work() -> T:
            assert self._connection is not None, "open the reader first"
            return query(self._connection, *args, **kwargs)

        return await self.run_blocking(work)

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Call anything in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._translated, work)

    def close(self) -> None:
        """Disconnect; call it in the thread."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def end(self) -> None:
        """Disconnect, if need be, and let the thread end."""
        self._executor.submit(self.close)
        self._executor.shutdown(wait=False)

    def _translated(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            raise from_sqlite(error, self._path) from error

    def _open(self) -> None:
        if self._connection is not None:
            return
        if not self._path.exists():
            self._migrate("rwc")
        connection = connect.reader(self._path, self._patience)
        try:
            if not is_current(connection, self._path):
                self._migrate("rw")
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _migrate(self, mode: connect.Mode) -> None:
        if mode == "rwc":
            make_folder(self._path.parent)
        connection = connect.connect(self._path, mode, self._patience)
        try:
            migrate(connection, self._path, self._patience)
        finally:
            connection.close()
