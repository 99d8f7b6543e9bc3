"""Deletions in a folder of files: what a kill leaves, who waits for the lock, and the drafts of killed writers."""

from __future__ import annotations

import asyncio
import os
from time import time
from typing import TYPE_CHECKING

import pytest

from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import Lease, LeaseLost, RunNotFound, RunRow
from loopengt_storage_jsonl.storage import JsonlStorage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[JsonlStorage]:
    """Yield an open storage."""
    storage = JsonlStorage(tmp_path / "runs-jsonl")
    await storage.open()
    yield storage
    await storage.close()


async def make_run(storage: JsonlStorage, run_id: str = "run-1", ttl: float = 60.0) -> Lease:
    """Create a run with two batches."""
    lease = await storage.create(RunRow(run_id, "demo", "running"), current_owner(), ttl, b"[1]", 1)
    await storage.append(lease, 1, 1, b"[2]")
    return lease


def files(folder: Path) -> set[str]:
    """Return the names of the files of runs."""
    return {path.name for path in folder.iterdir() if path.suffix in (".jsonl", ".state")}


async def test_a_deleted_run_leaves_no_file(opened: JsonlStorage) -> None:
    """Journal and summary of a deleted run are gone; those of another one stay."""
    lease = await make_run(opened)
    await make_run(opened, "run-2")
    await opened.delete(lease)
    assert files(opened.folder) == {"run-2.jsonl", "run-2.state"}


async def test_a_kill_between_the_files_leaves_the_run(opened: JsonlStorage, tmp_path: Path) -> None:
    """A deletion that got no further than the summary has deleted nothing: the run is whole and goes on."""
    await make_run(opened, ttl=-1.0)
    await opened.close()
    (opened.folder / "run-1.state").unlink()
    await opened.open()
    lease = await opened.claim("run-1", current_owner(), 60)
    await opened.append(lease, 2, 1, b"[3]")
    assert [batch.payload async for batch in opened.read("run-1")] == [b"[1]", b"[2]", b"[3]"]
    assert await opened.check() == []


async def test_a_writer_that_waits_for_the_lock_learns_of_the_deletion(opened: JsonlStorage) -> None:
    """An append that waits for a file while it is deleted and made anew is refused, and writes nowhere."""
    other = JsonlStorage(opened.folder)
    await other.open()
    for _ in range(30):
        lease = await make_run(opened, ttl=-1.0)
        taken = await other.claim("run-1", current_owner(), 60)
        late = asyncio.ensure_future(opened.append(lease, 2, 1, b'["late"]'))
        await other.delete(taken)
        again = await make_run(other)
        with pytest.raises(LeaseLost):
            await late
        assert [batch.payload async for batch in opened.read("run-1")] == [b"[1]", b"[2]"]
        await other.delete(again)
    await other.close()


async def test_a_file_of_the_same_size_is_not_taken_for_the_old_one(opened: JsonlStorage) -> None:
    """A state kept in memory is not used for another run's file, though it has the name and size of the old one."""
    lease = await make_run(opened)
    path = opened.folder / "run-1.jsonl"
    size = path.stat().st_size
    other = JsonlStorage(opened.folder)
    await other.open()
    while True:  # The figures of a lease have more digits or fewer.
        path.unlink()
        (opened.folder / "run-1.state").unlink()
        await make_run(other)
        if path.stat().st_size == size:
            break
    with pytest.raises(LeaseLost):
        await opened.append(lease, 2, 1, b'["late"]')
    await other.close()


async def test_a_reader_learns_that_the_run_was_deleted(opened: JsonlStorage) -> None:
    """A journal that is deleted while it is read does not end as if it were complete."""
    lease = await make_run(opened)
    for seq in range(2, 6):
        await opened.append(lease, seq, 1, b'["%s"]' % (b"x" * 1_000_000))

    async def read() -> None:
        async for batch in opened.read("run-1"):
            if batch.first_seq == 1:
                await opened.delete(lease)

    with pytest.raises(RunNotFound, match="run-1"):
        await read()


async def test_drafts_of_killed_writers_are_removed(opened: JsonlStorage) -> None:
    """Old drafts, of blobs and of summaries, go with the blobs and are counted; one that is being written stays."""
    digest = await opened.put_blob(b"kept")
    old = [opened.folder / "run-1.state.0123.tmp", opened.folder / "blobs" / digest[:2] / "x.tmp"]
    for draft in (*old, opened.folder / "young.tmp"):
        draft.write_bytes(b"draft")
    for draft in old:
        os.utime(draft, (time() - 7200, time() - 7200))
    assert await opened.prune_blobs([], 3600, dry_run=True) == 10
    assert all(draft.exists() for draft in old)
    assert await opened.prune_blobs([], 3600) == 10
    assert not any(draft.exists() for draft in old)
    assert (opened.folder / "young.tmp").exists()
    assert await opened.get_blob(digest) == b"kept"
