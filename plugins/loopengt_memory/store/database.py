"""The database that memories lie in: one connection, in a thread of its own, for reads and short transactions."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from loopengt.project import make_state_folder
from loopengt_memory.store.failures import from_os, from_sqlite
from loopengt_memory.store.schema import has_tables, migrate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Database", "Session"]

P = ParamSpec("P")
T = TypeVar("T")

_CACHE_KIB = 16 * 1024


class Session:
    """A connection, and what is worth keeping as long as it lasts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.kept: dict[Any, Any] = {}

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        """Execute a statement."""
        return self.connection.execute(statement, values)


class Database:
    """Reads and writes one file; any number of processes may use it at once, on a local disk.

    The file and its tables are made by the first write. Both calls raise ``StorageError``, or one of those below it.

    Args:
        path: The file.
        patience: Seconds to wait while another process writes.
    """

    def __init__(self, path: Path, patience: float = 30.0) -> None:
        self.path = path
        self._patience = patience
        self._session: Session | None = None
        self._executor: ThreadPoolExecutor | None = None
        # Held while the thread works: after a close the next call may begin in another one before this is done.
        self._busy = Lock()

    async def read(
        self, query: Callable[Concatenate[Session, P], T], nothing: T, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a query, which sees one state of the database.

        Args:
            query: Called with the session and the further arguments.
            nothing: Returned when there are no memories at all; nothing is made then.
            *args: Its arguments.
            **kwargs: Its arguments.
        """

        def work() -> T:
            session = self._opened(create=False)
            if session is None:
                return nothing
            return _within(session, "BEGIN", lambda: query(session, *args, **kwargs))

        return await self._run(work)

    async def write(self, job: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a job in a transaction, and return its result when that is durable."""

        def work() -> T:
            session = self._opened(create=True)
            assert session is not None, "a write makes what is missing"
            return _within(session, "BEGIN IMMEDIATE", lambda: job(session, *args, **kwargs))

        return await self._run(work)

    async def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(executor, self._translated, self._drop)
            executor.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="loopengt-memory")
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._translated, work)

    def _translated(self, work: Callable[[], T]) -> T:
        with self._busy:
            try:
                return work()
            except sqlite3.Error as error:
                self._drop()
                raise from_sqlite(error, self.path) from error

    def _opened(self, *, create: bool) -> Session | None:
        if self._session is None:
            connection = self._connect(create=create)
            if connection is None:
                return None
            self._session = Session(connection)
        return self._session

    def _connect(self, *, create: bool) -> sqlite3.Connection | None:
        if not self.path.exists():
            if not create:
                return None
            try:
                make_state_folder(self.path.parent)
            except OSError as error:
                raise from_os(error, self.path.parent) from error
        mode = "rwc" if create else "rw"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            ready = has_tables(connection, self.path)
            if not ready and create:
                migrate(connection, self.path)
                self._use_wal(connection)
                ready = True
            if ready:
                _prepare(connection)
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        deadline = monotonic() + self._patience
        while True:
            try:
                # SQLite does not wait for locks here of its own accord.
                with closing(connection.execute("PRAGMA journal_mode=WAL")):
                    return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                    raise
            sleep(0.01)

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.connection.close()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous=FULL")
    # Without it macOS leaves the data in the disk's own cache, where a power cut reaches it.
    connection.execute("PRAGMA fullfsync=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


def _within(session: Session, begin: str, work: Callable[[], T]) -> T:
    connection = session.connection
    connection.execute(begin)
    try:
        result = work()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
