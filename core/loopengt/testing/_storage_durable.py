"""Rules for the storage as a whole: blobs, odd names, closing, reopening, and several users of one folder."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from loopengt.ownership import current_owner
from loopengt.testing._storage_base import (
    ELSEWHERE,
    EXPIRED,
    FIRST,
    TIMEOUT,
    TTL,
    StorageSuite,
    batches,
    row_of,
    rule,
    run_row,
    start,
)
from loopengt_hookspecs.storage import Batch, LeaseLost, RunOwned, StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage

ODD_IDS = [
    "../x",
    "../../../../x",
    "/x",
    "..",
    ".",
    "a/b",
    "a\\b",
    "a b",
    " ",
    "-rf",
    "~",
    "%2e%2e%2f",
    "run",
    "RUN",
    "run.",
    "run.jsonl",
    "run\n",
    "'; DROP TABLE runs; --",
    "x" * 200,
    "x" * 199 + "y",
    "\u4e16" * 200,
    "\u00e9",
    "e\u0301",
    "\U0001f600",
]


class DurabilityRules(StorageSuite):
    """Rules for blobs, run ids, ``close`` and what outlives it."""

    @rule
    async def test_blobs_come_back(self, storage: Storage, folder: Path) -> None:
        """Blobs of any bytes, none and 5 MB come back under the SHA-256 of their content."""
        for data in (b"", b"text", bytes(range(256)) * 20 * 1024):
            digest = await storage.put_blob(data)
            assert digest == hashlib.sha256(data).hexdigest()
            assert await storage.get_blob(digest) == data

    @rule
    async def test_blobs_are_idempotent(self, storage: Storage, folder: Path) -> None:
        """The same bytes put again, also at the same moment, are one blob."""
        digests = await asyncio.gather(*(storage.put_blob(b"same") for _ in range(10)))
        assert len(set(digests)) == 1
        assert await storage.put_blob(b"same") == digests[0]
        assert await storage.get_blob(digests[0]) == b"same"

    @rule
    async def test_missing_blobs_are_errors(self, storage: Storage, folder: Path) -> None:
        """An unknown digest, or what is none, is a StorageError and opens no other file."""
        (folder.parent / "secret").write_text("secret")
        await storage.put_blob(b"there")
        for digest in ("0" * 64, "", "\0", "..", "../../secret", "../secret", str(folder.parent / "secret")):
            with pytest.raises(StorageError):
                await storage.get_blob(digest)

    @rule
    async def test_odd_run_ids_stay_apart_and_inside(self, storage: Storage, folder: Path) -> None:
        """Run ids of any characters keep journals of their own and never reach out of the folder."""
        for index, run_id in enumerate(ODD_IDS):
            lease = await start(storage, run_id, started_at=float(index))
            await storage.append(lease, 1, 1, b"[%d]" % index)
            await storage.signal(run_id, {"n": index})
            assert (await storage.renew([lease], TTL)).signals == [(run_id, {"n": index})]
        for index, run_id in enumerate(ODD_IDS):
            assert await batches(storage, run_id) == [Batch(1, FIRST), Batch(2, b"[%d]" % index)]
        assert [row.run_id for row in await storage.rows()] == ODD_IDS[::-1]
        outside = {path.name for path in folder.parent.iterdir()} - {folder.name}
        assert outside == set(), f"the storage wrote outside of its folder: {outside}"

    @rule
    async def test_a_sound_storage_has_no_findings(self, storage: Storage, folder: Path) -> None:
        """``check`` finds nothing in a storage that was only used as meant; ``describe`` is one line."""
        lease = await start(storage)
        await storage.append(lease, 1, 1, b"[2]", run_row("run-1", status="completed"), release=True)
        await start(storage, "run-2")
        await storage.signal("run-2", {"type": "stop"})
        await storage.put_blob(b"x" * 100_000)
        assert await storage.check() == []
        assert storage.describe().strip()
        assert "\n" not in storage.describe()

    @rule
    async def test_closing_twice_is_harmless(self, storage: Storage, folder: Path) -> None:
        """``close`` may be called again, one after the other and together."""
        await start(storage)
        await asyncio.gather(storage.close(), storage.close())
        await storage.close()

    @rule
    async def test_a_closed_storage_can_be_opened_again(self, storage: Storage, folder: Path) -> None:
        """The same object serves again after ``close`` and ``open``, as a kernel uses it."""
        await start(storage, "run-1")
        await storage.close()
        await storage.open()
        lease = await start(storage, "run-2")
        await storage.append(lease, 1, 1, b"[2]")
        assert len(await batches(storage, "run-2")) == 2
        if self.persistent:
            assert await batches(storage, "run-1") == [Batch(1, FIRST)]

    @rule
    async def test_closing_finishes_what_was_accepted(self, storage: Storage, folder: Path) -> None:
        """Appends that are under way when ``close`` is called end well, and are there when opened again."""
        leases = [await start(storage, f"run-{index}") for index in range(20)]
        tasks = [asyncio.ensure_future(storage.append(lease, 1, 1, b"[2]")) for lease in leases]
        await asyncio.sleep(0)
        await storage.close()
        if self.persistent:
            async with self.opened(folder) as again:
                for lease in reversed(leases):
                    assert await batches(again, lease.run_id) == [Batch(1, FIRST), Batch(2, b"[2]")]
        assert await asyncio.wait_for(asyncio.gather(*tasks), TIMEOUT) == [None] * 20

    @rule
    async def test_all_is_there_when_opened_again(self, storage: Storage, folder: Path) -> None:
        """Journals, rows, leases, waiting signals and blobs outlive ``close``."""
        if not self.persistent:
            pytest.skip("this storage keeps nothing")
        left = await start(storage, "run-1", ttl=EXPIRED, started_at=1.0)
        await storage.append(left, 1, 2, b"[2,3]", run_row("run-1", turn=4, started_at=1.0))
        await storage.signal("run-1", {"type": "delivered"})
        assert len((await storage.renew([left], EXPIRED)).signals) == 1
        await storage.signal("run-1", {"type": "stop"})
        freed = await start(storage, "run-2", started_at=2.0)
        await storage.append(freed, 1, 1, b"[2]", release=True)
        await start(storage, "run-3", owner=ELSEWHERE, started_at=3.0)
        digest = await storage.put_blob(b"blob")
        rows = await storage.rows()
        await storage.close()
        async with self.opened(folder) as again:
            assert await again.rows() == rows
            assert await batches(again, "run-1") == [Batch(1, FIRST), Batch(2, b"[2,3]")]
            assert await again.get_blob(digest) == b"blob"
            lease = await again.claim("run-1", current_owner(), TTL)
            assert lease.fence > left.fence
            assert (await again.renew([lease], TTL)).signals == [("run-1", {"type": "stop"})]
            await again.append(lease, 3, 1, b"[4]")
            assert (await again.claim("run-2", current_owner(), TTL)).fence > freed.fence
            with pytest.raises(RunOwned):
                await again.claim("run-3", current_owner(), TTL)

    @rule
    async def test_two_users_of_one_folder_see_each_other(self, storage: Storage, folder: Path) -> None:
        """What one instance does, another one that is open on the same folder sees and respects at once."""
        if not self.persistent:
            pytest.skip("this storage is not shared")
        async with self.opened(folder) as other:
            mine = await start(storage, ttl=EXPIRED)
            await storage.append(mine, 1, 1, b"[2]")
            theirs = await other.claim("run-1", ELSEWHERE, TTL)
            with pytest.raises(RunOwned):
                await storage.claim("run-1", current_owner(), TTL)
            with pytest.raises(LeaseLost):
                await storage.append(mine, 2, 1, b'["mine"]')
            assert (await storage.renew([mine], TTL)).lost == [mine]
            await other.append(theirs, 2, 1, b"[3]", run_row("run-1", turn=7))
            assert [batch.payload for batch in await batches(storage)] == [FIRST, b"[2]", b"[3]"]
            assert (await row_of(storage)).turn == 7
            await storage.signal("run-1", {"type": "stop"})
            assert (await other.renew([theirs], TTL)).signals == [("run-1", {"type": "stop"})]
            with pytest.raises(StorageError):
                await other.create(run_row("run-1"), current_owner(), TTL, FIRST, 1)
            digest = await storage.put_blob(b"shared")
            assert await other.get_blob(digest) == b"shared"
