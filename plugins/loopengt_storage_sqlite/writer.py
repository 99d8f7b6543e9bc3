"""The one thread that writes: it executes all jobs that wait in one transaction and answers them together."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from loopengt_storage_sqlite.failures import from_sqlite

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import StorageError

__all__ = ["MOST_JOBS", "Writer"]

MOST_JOBS = 256
"""So many jobs share a transaction at most."""

Work: TypeAlias = Callable[..., Any]
"""Called with a cursor and the job's arguments, inside a transaction; an error undoes this job alone."""

_Job: TypeAlias = "tuple[Work, tuple[Any, ...], asyncio.Future[Any], asyncio.AbstractEventLoop]"


class Writer:
    """Commits jobs in groups.

    Args:
        path: The database, for messages.
        connect: Opens a connection to write; called in the thread, at the first job and after a failure.
    """

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self.waiting = 0
        """Jobs that somebody awaits now."""
        self.seconds = float("inf")
        """How long the last transaction took."""
        self._path = path
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def submit(self, work: Work, *args: Any) -> Any:
        """Have a job executed; returns its result when it is committed.

        Jobs are executed in the order in which they were submitted, also when nobody waits for them any more.

        Raises:
            StorageError: Nothing was written.
        """
        if self._thread is None:
            self._thread = Thread(target=self._run, name="loopengt-sqlite-writer", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.waiting += 1
        self._queue.put((work, args, future, loop))
        try:
            return await future
        finally:
            self.waiting -= 1

    def stop(self) -> None:
        """Execute what waits, move the log into the database and end the thread; blocks until then."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            batch = [job]
            for _ in range(min(self._queue.qsize(), MOST_JOBS - 1)):
                if (job := self._queue.get_nowait()) is None:
                    self._queue.put(None)  # The last entry there is.
                    break
                batch.append(job)
            started = perf_counter()
            outcomes = self._commit(batch)
            self.seconds = perf_counter() - started
            _answer(batch, outcomes)
        if self._connection is not None:
            with suppress(sqlite3.Error):  # A full disk: all is safe in the log then.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()

    def _commit(self, batch: list[_Job]) -> list[Any]:
        """Return the result of each job, or the exception that it ended with."""
        try:
            cursor = self._begin()
            try:
                outcomes = [work(cursor, *args) for work, args, _, _ in batch]
            except Exception:
                # Rare, so that the rule needs no savepoints: all again, each job by itself.
                self._drop()
                cursor = self._begin()
                outcomes = self._apart(cursor, batch)
            cursor.execute("COMMIT")
        except Exception as error:
            self._drop()
            return [self._translated(error) for _ in batch]
        return outcomes

    def _apart(self, cursor: sqlite3.Cursor, batch: list[_Job]) -> list[Any]:
        """Execute jobs so that each one may fail alone."""
        outcomes: list[Any] = []
        for work, args, _, _ in batch:
            cursor.execute("SAVEPOINT job")
            try:
                outcomes.append(work(cursor, *args))
            except Exception as error:
                if not cursor.connection.in_transaction:
                    raise  # SQLite gave up the whole transaction, and the jobs before this one with it.
                cursor.execute("ROLLBACK TO job")
                outcomes.append(self._translated(error))
            cursor.execute("RELEASE job")
        return outcomes

    def _begin(self) -> sqlite3.Cursor:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection.execute("BEGIN IMMEDIATE")

    def _drop(self) -> None:
        """Undo what is not committed; the next transaction begins on a new connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _translated(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        known: StorageError = from_sqlite(error, self._path)
        known.__cause__ = error
        return known


def _answer(batch: list[_Job], outcomes: list[Any]) -> None:
    """Wake whoever waits, with one call for each event loop."""
    answers: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for (_, _, future, loop), outcome in zip(batch, outcomes, strict=True):
        answers.setdefault(loop, []).append((future, outcome))
    for loop, pairs in answers.items():
        with suppress(RuntimeError):  # That loop is closed: nobody waits there.
            loop.call_soon_threadsafe(_resolve, pairs)


def _resolve(pairs: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in pairs:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
