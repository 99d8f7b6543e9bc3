"""Rules for listings: filters, order, and rows that change together with their journal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from loopengt.ownership import current_owner
from loopengt.testing._storage_base import TTL, StorageSuite, row_of, rule, run_row, start

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage


async def _ids(storage: Storage, prefix: str = "", **filters: Any) -> list[str]:
    return [row.run_id for row in await storage.rows(prefix=prefix, **filters)]


class RowRules(StorageSuite):
    """Rules for ``rows`` and for the row given to ``create`` and ``append``."""

    @rule
    async def test_rows_are_newest_first(self, storage: Storage, folder: Path) -> None:
        """Rows come newest first, cut off by the limit; a change of an old run does not move it."""
        assert await storage.rows() == []
        leases = [await start(storage, f"run-{index}", started_at=1000.0 + index) for index in range(5)]
        await storage.append(leases[0], 1, 1, b"[2]", run_row("run-0", turn=9))
        assert await _ids(storage) == ["run-4", "run-3", "run-2", "run-1", "run-0"]
        assert [row.run_id for row in await storage.rows(limit=2)] == ["run-4", "run-3"]
        assert await storage.rows(limit=0) == []
        assert len(await storage.rows(limit=99)) == 5

    @rule
    async def test_filters_are_joined(self, storage: Storage, folder: Path) -> None:
        """Prefix, status, loop name and limit hold together."""
        for index, (status, loop) in enumerate(
            [("running", "a"), ("failed", "a"), ("failed", "b"), ("failed", "a"), ("completed", "b")]
        ):
            await start(storage, f"run-{index}", status=status, loop_name=loop, started_at=1000.0 + index)
        assert await _ids(storage, status="failed") == ["run-3", "run-2", "run-1"]
        assert await _ids(storage, loop_name="b") == ["run-4", "run-2"]
        assert await _ids(storage, status="failed", loop_name="a") == ["run-3", "run-1"]
        assert await _ids(storage, "run-1", status="failed", loop_name="a") == ["run-1"]
        assert await _ids(storage, status="fail") == []
        newest = await storage.rows(status="failed", loop_name="a", limit=1)
        assert [row.run_id for row in newest] == ["run-3"]

    @rule
    async def test_a_prefix_is_taken_literally(self, storage: Storage, folder: Path) -> None:
        """A prefix knows no wildcards and tells upper from lower case."""
        for index, run_id in enumerate(["a_1", "ab1", "A_2", "a%3", "a*4", "a[b]5", "é6"]):
            await start(storage, run_id, started_at=1000.0 - index)
        assert await _ids(storage, "a_") == ["a_1"]
        assert await _ids(storage, "a%") == ["a%3"]
        assert await _ids(storage, "a*") == ["a*4"]
        assert await _ids(storage, "a[b]") == ["a[b]5"]
        assert await _ids(storage, "A") == ["A_2"]
        assert await _ids(storage, "é") == ["é6"]
        assert await _ids(storage, "a") == ["a_1", "ab1", "a%3", "a*4", "a[b]5"]

    @rule
    async def test_every_field_comes_back(self, storage: Storage, folder: Path) -> None:
        """All fields of a row come back as given, the owner's from the lease, after every change."""
        first = run_row("run-1", detail="é \n'", turn=3, tokens=2**40, cost_usd=0.125, started_at=1234.5)
        lease = await storage.create(first, current_owner(), TTL, b"[1]", 1)
        stored = asdict(await row_of(storage))
        assert stored["owner"] == current_owner()
        assert stored["lease_until"] > 1_000_000_000
        owned = {"owner": stored["owner"], "lease_until": stored["lease_until"]}
        assert stored == asdict(first) | owned
        last = run_row(
            "run-1",
            status="failed",
            reason="exhausted",
            detail="x" * 5000,
            started_at=1234.5,
            completed_at=2.5,
        )
        await storage.append(lease, 1, 1, b"[2]", last)
        assert asdict(await row_of(storage)) == asdict(last) | owned

    @rule
    async def test_owner_fields_of_an_appended_row_are_ignored(self, storage: Storage, folder: Path) -> None:
        """A row given to ``append`` cannot change who drives the run, or until when."""
        lease = await start(storage)
        before = await row_of(storage)
        await storage.append(lease, 1, 1, b"[2]", run_row("run-1", owner="me", lease_until=1.0))
        after = await row_of(storage)
        assert (after.owner, after.lease_until) == (before.owner, before.lease_until)

    @rule
    async def test_an_append_without_a_row_leaves_it(self, storage: Storage, folder: Path) -> None:
        """The row stays as it is until an append brings a new one."""
        lease = await start(storage)
        await storage.append(lease, 1, 1, b"[2]", run_row("run-1", turn=1))
        await storage.append(lease, 2, 1, b"[3]")
        assert (await row_of(storage)).turn == 1

    @rule
    async def test_rows_are_copies(self, storage: Storage, folder: Path) -> None:
        """Changing a row that was given or returned does not change the storage's."""
        given = run_row("run-1", turn=1)
        lease = await storage.create(given, current_owner(), TTL, b"[1]", 1)
        given.turn = 50
        assert (await row_of(storage)).turn == 1
        changed = run_row("run-1", turn=2)
        await storage.append(lease, 1, 1, b"[2]", changed)
        changed.turn = 51
        (await row_of(storage)).turn = 52
        assert (await row_of(storage)).turn == 2
