"""The storage ``jsonl``: a folder with one append-only file for each run, and the blobs beside them."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from loopengt.project import make_state_folder
from loopengt_hookspecs.storage import StorageCorrupt, StorageError, StorageTooNew
from loopengt_storage_jsonl.blobs import BlobFiles
from loopengt_storage_jsonl.checking import check_blob, check_journal
from loopengt_storage_jsonl.files import remove_drafts, replace_file, storage_error
from loopengt_storage_jsonl.journal import Chunk, read_chunk
from loopengt_storage_jsonl.options import JsonlOptions
from loopengt_storage_jsonl.runs import RunFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from loopengt_hookspecs.registration import PluginContext
    from loopengt_hookspecs.storage import Batch, Lease, Renewal, RunRow

__all__ = ["JsonlStorage"]

FORMAT = 1
"""Number of the file format; a folder with a higher one is left alone."""

P = ParamSpec("P")
T = TypeVar("T")


class JsonlStorage:
    """Keeps runs as files that people and line-oriented tools can read.

    Args:
        folder: Where the files lie; created when missing.
        durability: ``full``: an append that has returned survives a loss of power. ``normal``: it survives a
            crash of the process.
    """

    def __init__(self, folder: Path, *, durability: str = "full") -> None:
        self.folder = Path(folder)
        self._sync = durability == "full"
        self._runs = RunFiles(self.folder, sync=self._sync)
        self._blobs = BlobFiles(self.folder / "blobs", sync=self._sync)
        # One thread: what is asked for first is done first.
        self._thread: ThreadPoolExecutor | None = None

    @classmethod
    def from_context(cls, context: PluginContext) -> JsonlStorage:
        """Make the storage of a project as its options say."""
        options = context.options or JsonlOptions()
        return cls(context.project / options.folder, durability=options.durability)

    async def open(self) -> None:
        """Create the folder when it is missing, see ``Storage.open``."""
        if self._thread is not None:
            return
        self._thread = ThreadPoolExecutor(1, "loopengt-jsonl")
        try:
            await self._do(self._prepare)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what was accepted, then end the thread, see ``Storage.close``."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)

    async def create(self, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
        """Add a run, see ``Storage.create``."""
        return await self._do(self._runs.create, row, owner, ttl, _line(payload), count)

    async def claim(self, run_id: str, owner: str, ttl: float) -> Lease:
        """Lease a run that nobody drives, see ``Storage.claim``."""
        return await self._do(self._runs.claim, run_id, owner, ttl)

    async def renew(self, leases: Sequence[Lease], ttl: float) -> Renewal:
        """Prolong leases and collect signals, see ``Storage.renew``."""
        return await self._do(self._runs.renew, leases, ttl)

    async def release(self, lease: Lease) -> None:
        """Give a lease back, see ``Storage.release``."""
        await self._do(self._runs.release, lease)

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
        """Append events as one line, see ``Storage.append``."""
        await self._do(self._runs.append, lease, expected_seq, count, _line(payload), row, release=release)

    async def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Iterate over a journal, see ``Storage.read``.

        Raises:
            StorageCorrupt: A line is damaged; the batches before it have been yielded.
        """
        path = self._runs.path(run_id)
        chunk = Chunk([])
        while not chunk.end:
            chunk = await self._do(read_chunk, path, run_id, chunk, after)
            for batch in chunk.batches:
                yield batch
        if chunk.damage:
            raise chunk.damage

    async def rows(
        self,
        *,
        prefix: str = "",
        status: str | None = None,
        loop_name: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Return runs, newest first, see ``Storage.rows``."""
        return (await self._do(self._runs.rows, prefix, status, loop_name))[:limit]

    async def signal(self, run_id: str, signal: dict[str, Any]) -> None:
        """Leave a signal, see ``Storage.signal``."""
        await self._do(self._runs.signal, run_id, signal)

    async def put_blob(self, data: bytes) -> str:
        """Store bytes, see ``Storage.put_blob``."""
        return await self._do(self._blobs.put, data)

    async def get_blob(self, digest: str) -> bytes:
        """Return the bytes of a digest, see ``Storage.get_blob``."""
        return await self._do(self._blobs.get, digest)

    async def delete(self, lease: Lease) -> None:
        """Remove a run, see ``Storage.delete``."""
        await self._do(self._runs.delete, lease)

    async def prune_blobs(self, keep: Collection[str], older_than: float, *, dry_run: bool = False) -> int:
        """Remove blobs that nobody refers to, see ``Storage.prune_blobs``."""
        until = time.time() - older_than
        freed = 0
        for digest in await self._do(self._blobs.digests):
            if digest not in keep:
                freed += await self._do(self._blobs.prune, digest, until, dry_run=dry_run)
        return freed + await self._do(remove_drafts, self.folder, until, dry_run=dry_run)

    async def compact(self) -> int:
        """Do nothing: a removed file gives its space back at once."""
        return 0

    async def check(self) -> list[str]:
        """Read every file and return one sentence for each that is damaged, see ``Storage.check``."""
        findings = []
        for path in await self._do(sorted, self.folder.glob("*.jsonl")):
            findings += await self._do(check_journal, path, self._runs)
        for digest in await self._do(self._blobs.digests):
            findings += await self._do(check_blob, self._blobs, digest)
        return findings

    def describe(self) -> str:
        """Say what and where the storage is."""
        return f"JSON lines in {self.folder} (durability {'full' if self._sync else 'normal'})"

    async def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work on files in the storage's thread."""
        if self._thread is None:
            raise StorageError(
                f"The run storage in {self.folder} is not open.",
                remedy="Use it within: async with kernel.storage()",
            )
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))
        except OSError as error:
            raise storage_error(error, self.folder) from error

    def _prepare(self) -> None:
        mark = self.folder / "format.json"
        try:
            text = mark.read_bytes()
        except FileNotFoundError:
            make_state_folder(self.folder)
            replace_file(mark, json.dumps({"format": FORMAT}).encode(), sync=self._sync)
            return
        try:
            found = int(json.loads(text)["format"])
        except (ValueError, KeyError, TypeError):
            raise StorageCorrupt(
                f"{mark} is damaged: it does not name the format of the runs beside it.",
                remedy=f"If this version wrote them, mend it: echo '{{\"format\": {FORMAT}}}' > '{mark}'",
            ) from None
        if found > FORMAT:
            raise StorageTooNew(
                f"{self.folder} was written in format {found}; this loopengt reads up to {FORMAT}.",
                remedy="Update loopengt: pip install --upgrade loopengt",
            )


def _line(payload: bytes) -> bytes:
    if b"\n" in payload:
        raise StorageError("The payload of an append holds a line break; give it as JSON on one line.")
    return payload
