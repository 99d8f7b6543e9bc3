"""Rules for what is removed: deleted runs, blobs that nobody refers to; and for the parent that a row names."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from loopengt.ownership import current_owner
from loopengt.testing._storage_base import (
    EXPIRED,
    FIRST,
    TTL,
    StorageSuite,
    batches,
    row_of,
    rule,
    run_row,
    start,
)
from loopengt_hookspecs.storage import Batch, LeaseLost, RunNotFound, StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Lease, Storage

_MARGIN = 0.5
"""Seconds by which a young blob differs from an old one."""


async def _is_gone(storage: Storage, run_id: str = "run-1") -> bool:
    """Say whether a run is gone; it must not be there in parts."""
    listed = any(row.run_id == run_id for row in await storage.rows())
    try:
        journal = await batches(storage, run_id)
    except RunNotFound:
        assert not listed, "a listed run cannot be read"
        return True
    assert listed, "a run can be read and is not listed"
    assert journal, "a run is listed and its journal is empty"
    return False


async def _refuses(storage: Storage, lease: Lease, seq: int = 1) -> None:
    """Show that a lease is good for nothing."""
    with pytest.raises(LeaseLost):
        await storage.append(lease, seq, 1, b'["stale"]')
    with pytest.raises(LeaseLost):
        await storage.delete(lease)
    await storage.release(lease)


class RemovalRules(StorageSuite):
    """Rules for ``delete``, ``prune_blobs``, ``compact`` and ``RunRow.parent``."""

    @rule
    async def test_a_deleted_run_is_gone(self, storage: Storage, folder: Path) -> None:
        """A deleted run is not listed, read, claimed or signalled any more; its neighbours are as they were."""
        leases = [await start(storage, f"run-{index}") for index in range(3)]
        for seq in range(1, 20):
            await storage.append(leases[1], seq, 1, b"[%d]" % seq)
        await storage.signal("run-1", {"type": "stop"})
        await storage.delete(leases[1])
        assert await _is_gone(storage)
        for call in (storage.claim("run-1", current_owner(), TTL), storage.signal("run-1", {"type": "stop"})):
            with pytest.raises(RunNotFound, match="run-1"):
                await call
        assert (await storage.renew(leases, TTL)).lost == [leases[1]]
        for index in (0, 2):
            await storage.append(leases[index], 1, 1, b"[2]")
            assert await batches(storage, f"run-{index}") == [Batch(1, FIRST), Batch(2, b"[2]")]
        assert await storage.check() == []

    @rule
    async def test_only_the_holder_deletes(self, storage: Storage, folder: Path) -> None:
        """A lease that was taken over or given back deletes nothing; the run goes on under its holder."""
        old = await start(storage, ttl=EXPIRED)
        new = await storage.claim("run-1", current_owner(), TTL)
        await _refuses(storage, old)
        await storage.append(new, 1, 1, b"[2]")
        await storage.release(new)
        with pytest.raises(LeaseLost):
            await storage.delete(new)
        assert await batches(storage) == [Batch(1, FIRST), Batch(2, b"[2]")]

    @rule
    async def test_a_lease_dies_with_its_run(self, storage: Storage, folder: Path) -> None:
        """A lease on a deleted run is good for no later run, not even for one of the same id."""
        stale = await start(storage, ttl=EXPIRED)
        await storage.signal("run-1", {"type": "stop"})
        taken = await storage.claim("run-1", current_owner(), TTL)
        await storage.delete(taken)
        await _refuses(storage, stale)
        lease = await start(storage)
        other = await start(storage, "run-2")
        for dead in (stale, taken):
            await _refuses(storage, dead)
        renewal = await storage.renew([stale, taken, lease, other], TTL)
        assert (renewal.lost, renewal.signals) == ([stale, taken], [])
        await storage.append(lease, 1, 1, b"[2]")
        assert await batches(storage) == [Batch(1, FIRST), Batch(2, b"[2]")]
        assert await batches(storage, "run-2") == [Batch(1, FIRST)]

    @rule
    async def test_a_cancelled_deletion_is_whole_or_not_at_all(self, storage: Storage, folder: Path) -> None:
        """Runs whose deletion is cancelled are gone or complete."""
        for index in range(10):
            run_id = f"run-{index}"
            lease = await start(storage, run_id)
            await storage.append(lease, 1, 2, b"[2,3]")
            task = asyncio.ensure_future(storage.delete(lease))
            for _ in range(index):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await storage.close()  # What was accepted may still be on its way until then.
            await storage.open()
            if not await _is_gone(storage, run_id):
                await storage.append(lease, 3, 1, b"[4]")
                assert len(await batches(storage, run_id)) == 3
        assert await storage.check() == []

    @rule
    async def test_others_append_meanwhile(self, storage: Storage, folder: Path) -> None:
        """Appends to other runs, under way together with deletions, all come to pass in order."""
        doomed = [await start(storage, f"doomed-{index}") for index in range(20)]
        kept = [await start(storage, f"kept-{index}") for index in range(10)]
        for seq in range(1, 6):
            appends = [storage.append(lease, seq, 1, b"[%d]" % seq) for lease in kept]
            deletions = [storage.delete(lease) for lease in doomed[seq * 4 - 4 : seq * 4]]
            await asyncio.gather(*(call for pair in zip(deletions, appends, strict=False) for call in pair))
            await asyncio.gather(*appends[len(deletions) :])
        for lease in kept:
            payloads = [batch.payload for batch in await batches(storage, lease.run_id)]
            assert payloads == [FIRST, *(b"[%d]" % seq for seq in range(1, 6))]
        assert {row.run_id for row in await storage.rows()} == {lease.run_id for lease in kept}

    @rule
    async def test_another_user_sees_the_deletion(self, storage: Storage, folder: Path) -> None:
        """What one instance deletes is gone for another one on the same folder, and stays so when opened again."""
        if not self.persistent:
            pytest.skip("this storage is not shared")
        async with self.opened(folder) as other:
            mine = await start(storage, ttl=EXPIRED)
            await storage.append(mine, 1, 1, b"[2]")
            theirs = await other.claim("run-1", current_owner(), TTL)
            await other.delete(theirs)
            await _refuses(storage, mine, 2)
            assert await _is_gone(storage)
            again = await other.create(run_row("run-1"), current_owner(), TTL, FIRST, 1)
            await _refuses(storage, mine, 1)
            assert await batches(storage) == [Batch(1, FIRST)]
            await other.delete(again)
        await storage.close()
        await storage.open()
        assert await storage.rows() == []
        assert await storage.check() == []

    @rule
    async def test_a_parent_never_changes(self, storage: Storage, folder: Path) -> None:
        """A row keeps the parent that it was created with, whatever later rows say."""
        lease = await start(storage, parent="run-0")
        alone = await start(storage, "run-2")
        assert (await row_of(storage)).parent == "run-0"
        await storage.append(lease, 1, 1, b"[2]", run_row("run-1", turn=1))
        await storage.append(alone, 1, 1, b"[2]", run_row("run-2", turn=1, parent="run-1"))
        if self.persistent:
            await storage.close()
            await storage.open()
        assert [
            (row.turn, row.parent) for row in (await row_of(storage), await row_of(storage, "run-2"))
        ] == [
            (1, "run-0"),
            (1, None),
        ]

    @rule
    async def test_blobs_to_keep_are_kept(self, storage: Storage, folder: Path) -> None:
        """Pruning removes the blobs not to keep and returns their bytes; a deletion alone removes none."""
        digests = [await storage.put_blob(b"x" * size) for size in (10, 2_000_000, 300)]
        lease = await start(storage)
        await storage.delete(lease)
        assert await storage.prune_blobs({digests[0], "0" * 64}, 0, dry_run=True) == 2_000_300
        assert len(await storage.get_blob(digests[1])) == 2_000_000
        assert await storage.prune_blobs([digests[0], "0" * 64], 0) == 2_000_300
        assert await storage.get_blob(digests[0]) == b"x" * 10
        for digest in digests[1:]:
            with pytest.raises(StorageError):
                await storage.get_blob(digest)
        assert await storage.prune_blobs([digests[0]], 0) == 0
        assert await storage.put_blob(b"x" * 300) == digests[2]
        assert await storage.get_blob(digests[2]) == b"x" * 300
        assert await storage.check() == []

    @rule
    async def test_young_blobs_are_kept(self, storage: Storage, folder: Path) -> None:
        """A blob younger than asked for stays; one that is stored again is young again."""
        while True:
            old = await storage.put_blob(b"old")
            again = await storage.put_blob(b"again")
            assert await storage.prune_blobs([], 3600) == 0
            await asyncio.sleep(2 * _MARGIN)
            since = time.time()
            assert await storage.put_blob(b"again") == again
            asked = time.time()
            freed = await storage.prune_blobs([], asked - since + _MARGIN)
            if time.time() - asked < _MARGIN:
                break  # Else the machine stood still for so long that all was old.
        assert freed == len(b"old")
        assert await storage.get_blob(again) == b"again"
        with pytest.raises(StorageError):
            await storage.get_blob(old)

    @rule
    async def test_compacting_loses_nothing(self, storage: Storage, folder: Path) -> None:
        """After much was removed ``compact`` says how many bytes it gave back, and all that is left is there."""
        doomed = await start(storage, "doomed")
        lease = await start(storage)
        for seq in range(1, 20):
            await storage.append(doomed, seq, 1, b'["%s"]' % (b"x" * 100_000))
            await storage.append(lease, seq, 1, b"[%d]" % seq)
        digest = await storage.put_blob(b"kept")
        await storage.delete(doomed)
        assert await storage.compact() >= 0
        await storage.append(lease, 20, 1, b"[20]")
        assert len(await batches(storage)) == 21
        assert await storage.get_blob(digest) == b"kept"
        assert await storage.check() == []
