"""The storage ``sqlite``: runs, journals, signals and blobs in one database file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from functools import partial
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from loopengt_hookspecs.errors import StorageError
from loopengt_storage_sqlite import connect, jobs, pruning, queries
from loopengt_storage_sqlite.check import findings
from loopengt_storage_sqlite.reader import Reader
from loopengt_storage_sqlite.shortcut import Shortcut
from loopengt_storage_sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from loopengt_hookspecs.registration import PluginContext
    from loopengt_hookspecs.storage import Batch, Lease, Renewal, RunRow

__all__ = ["SqliteStorage"]

_PATIENCE = 30.0


class _Parts(NamedTuple):
    reader: Reader
    writer: Writer
    shortcut: Shortcut


class SqliteStorage:
    """Keeps runs in one SQLite database with a write-ahead log.

    One thread writes, and commits what waits together; another one reads. Any number of processes may use one
    database, on a local disk.

    Args:
        path: The database file; made, with its folder, when it is opened for the first time.
        durability: ``full``: what was appended survives a power cut. ``normal``: it survives a crash of the
            process; a power cut may cost the last moments, but leaves the database sound.
        patience: Seconds to wait while another process writes.
    """

    def __init__(
        self, path: Path, *, durability: Literal["full", "normal"] = "full", patience: float = _PATIENCE
    ) -> None:
        self.path = path
        self.durability = durability
        self.patience = patience
        self._opened: _Parts | None = None

    @classmethod
    def from_context(cls, context: PluginContext) -> SqliteStorage:
        """Make the storage of a project, as its options say."""
        from loopengt_storage_sqlite.options import SqliteOptions

        options = context.options or SqliteOptions()
        return cls(context.project / Path(options.path).expanduser(), durability=options.durability)

    async def open(self) -> None:
        """Make the database ready; see ``Storage.open``. Does nothing when it is open."""
        if self._opened is None:
            writer = Writer(self.path, partial(self._connect, self.patience))
            shortcut = Shortcut(writer, partial(self._connect, 0))
            self._opened = _Parts(Reader(self.path, self.patience), writer, shortcut)
        parts = self._opened
        try:
            await parts.reader.open()
        except BaseException:
            if self._opened is parts:
                self._opened = None
                parts.reader.end()
            raise

    async def close(self) -> None:
        """Commit what was accepted, move the log into the database, let go of it."""
        parts, self._opened = self._opened, None
        if parts is None:
            return
        try:
            await parts.reader.run_blocking(partial(_close, parts))
        finally:
            parts.reader.end()

    async def create(self, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
        """Add a run with its first events and lease it; see ``Storage.create``."""
        lease: Lease = await self._parts.writer.submit(jobs.create, row, owner, ttl, payload, count)
        return lease

    async def claim(self, run_id: str, owner: str, ttl: float) -> Lease:
        """Lease a run that nobody drives; see ``Storage.claim``."""
        lease: Lease = await self._parts.writer.submit(jobs.claim, run_id, owner, ttl)
        return lease

    async def renew(self, leases: Sequence[Lease], ttl: float) -> Renewal:
        """Prolong leases and collect the signals of their runs; see ``Storage.renew``."""
        renewal: Renewal = await self._parts.writer.submit(jobs.renew, tuple(leases), ttl)
        return renewal

    async def release(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._parts.writer.submit(jobs.release, lease)

    async def append(
        self,
        lease: Lease,
        expected_seq: int,
        count: int,
        payload: bytes,
        row: RunRow | None = None,
        *,
        release: bool = False,
    ) -> None:
        """Append events; returns when they are durable. See ``Storage.append``."""
        if count < 1:
            raise ValueError("append at least one event")
        _, writer, shortcut = self._parts
        if not shortcut.append(lease, expected_seq, count, payload, row, release):
            await writer.submit(jobs.append, lease, expected_seq, count, payload, row, release)

    async def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Iterate over a journal, a bounded part of it in memory; see ``Storage.read``."""
        no, last = await self._parts.reader.run(queries.find_run, run_id, after)
        more = True
        while more:
            batches, last, more = await self._parts.reader.run(queries.read_batches, run_id, no, last)
            for batch in batches:
                yield batch

    async def rows(
        self,
        *,
        prefix: str = "",
        status: str | None = None,
        loop_name: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Return runs, newest first; see ``Storage.rows``."""
        return await self._parts.reader.run(queries.rows, prefix, status, loop_name, limit)

    async def signal(self, run_id: str, signal: dict[str, Any]) -> None:
        """Leave a signal for whoever drives the run."""
        await self._parts.writer.submit(jobs.signal, run_id, json.dumps(signal))

    async def put_blob(self, data: bytes) -> str:
        """Store bytes under the hex SHA-256 digest of their content and return it."""
        digest = await self._parts.reader.run_blocking(hashlib.sha256(data).digest)
        await self._parts.writer.submit(jobs.put_blob, digest, data)
        return digest.hex()

    async def get_blob(self, digest: str) -> bytes:
        """Return the bytes of a digest; see ``Storage.get_blob``."""
        return await self._parts.reader.run(queries.get_blob, digest)

    async def delete(self, lease: Lease) -> None:
        """Remove a run with its journal and signals; see ``Storage.delete``."""
        await self._parts.writer.submit(jobs.delete, lease)

    async def prune_blobs(self, keep: Collection[str], older_than: float, *, dry_run: bool = False) -> int:
        """Remove blobs that nobody refers to, a few at a time; see ``Storage.prune_blobs``."""
        reader, writer, _ = self._parts
        until = time() - older_than
        if not dry_run:
            await writer.submit(pruning.note_untimed)
        blobs = await reader.run(pruning.old_blobs, frozenset(keep), until)
        if dry_run:
            return sum(size for _, size in blobs)
        return sum([await writer.submit(pruning.drop_blobs, piece, until) for piece in pruning.pieces(blobs)])

    async def compact(self) -> int:
        """Give unused pages back to the disk; see ``Storage.compact``. Writers wait meanwhile."""
        work = partial(pruning.compact, self.path, partial(self._connect, self.patience))
        return await self._parts.reader.run_blocking(work)

    async def check(self) -> list[str]:
        """Look for damage: the file's structure, the journals' sequences, the blobs' digests."""
        return await self._parts.reader.run(findings)

    def describe(self) -> str:
        """Say in one line what and where the storage is."""
        return f"SQLite {sqlite3.sqlite_version} database {self.path}, durability {self.durability}"

    @property
    def _parts(self) -> _Parts:
        if self._opened is None:
            raise StorageError(f"the storage {self.path} is not open", remedy="Call open() first.")
        return self._opened

    def _connect(self, patience: float) -> sqlite3.Connection:
        return connect.writer(self.path, self.durability, patience)


def _close(parts: _Parts) -> None:
    # The shortcut's and the writer's connections first: the last one of all removes the log.
    parts.shortcut.close()
    parts.writer.stop()
    parts.reader.close()
