"""Storages that are broken in one way each, and the sound one that they derive from."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from loopengt_hookspecs.storage import Batch, LeaseLost, Renewal, RunOwned, StorageError
from loopengt_storage_memory.storage import MemoryStorage

KEPT: dict[Path, dict[str, Any]] = {}
COUNTER = itertools.count()


class Kept(MemoryStorage):
    """A storage in memory, whose instances on one folder share what they have."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.__dict__ = KEPT.setdefault(folder, self.__dict__)


class Forgets(Kept):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder / str(next(COUNTER)))


class WrongBytes(Kept):
    async def get_blob(self, digest: str) -> bytes:
        return (await super().get_blob(digest))[:-1]


class ManyBlobs(Kept):
    async def put_blob(self, data: bytes) -> str:
        await super().put_blob(data)
        return f"{next(COUNTER):064x}"


class NoBlobIsEmpty(Kept):
    async def get_blob(self, digest: str) -> bytes:
        try:
            return await super().get_blob(digest)
        except StorageError:
            return b""


class PlainIds(Kept):
    async def create(self, row: Any, *args: Any, **more: Any) -> Any:
        return await super().create(
            replace(row, run_id="".join(filter(str.isalnum, row.run_id))), *args, **more
        )


class Worries(Kept):
    async def check(self) -> list[str]:
        return ["something may be wrong"]


class ClosesOnce(Kept):
    async def close(self) -> None:
        if vars(self).setdefault("closed", False):
            raise StorageError("it is closed")
        vars(self)["closed"] = True


class OpensOnce(Kept):
    async def open(self) -> None:
        if vars(self).setdefault("opened", False):
            raise StorageError("it was open before")
        vars(self)["opened"] = True


class DropsAtClose(Kept):
    async def close(self) -> None:
        vars(self)["closing"] = True

    async def append(self, *args: Any, **more: Any) -> None:
        await asyncio.sleep(0.01)
        if vars(self).get("closing"):
            raise StorageError("it is closed")
        await super().append(*args, **more)


class Hoards(Kept):
    async def delete(self, lease: Any) -> None:
        return None


class DeletesForAnyone(Kept):
    async def delete(self, lease: Any) -> None:
        self._runs.pop(lease.run_id, None)


class ForgetsFences(Kept):
    async def delete(self, lease: Any) -> None:
        await super().delete(lease)
        self._deleted.clear()


class DeletesByHalves(Kept):
    async def delete(self, lease: Any) -> None:
        self._runs[lease.run_id].batches.clear()
        await asyncio.sleep(0.05)
        await super().delete(lease)


class StopsTheWorld(Kept):
    async def delete(self, lease: Any) -> None:
        vars(self)["deleting"] = True
        await asyncio.sleep(0)
        vars(self)["deleting"] = False
        await super().delete(lease)

    async def append(self, *args: Any, **more: Any) -> None:
        if vars(self).get("deleting"):
            raise StorageError("it is busy")
        await super().append(*args, **more)


class ChangesParents(Kept):
    async def append(
        self, lease: Any, seq: int, count: int, payload: bytes, row: Any = None, **more: Any
    ) -> None:
        await super().append(lease, seq, count, payload, row, **more)
        if row is not None:
            self._runs[lease.run_id].row.parent = row.parent


class PrunesAll(Kept):
    async def prune_blobs(self, keep: Any, older_than: float, *, dry_run: bool = False) -> int:
        return await super().prune_blobs((), older_than, dry_run=dry_run)


class PrunesYoung(Kept):
    async def prune_blobs(self, keep: Any, older_than: float, *, dry_run: bool = False) -> int:
        return await super().prune_blobs(keep, -1.0, dry_run=dry_run)


class CompactsAway(Kept):
    async def compact(self) -> int:
        self._blobs.clear()
        return 0


class OldestFirst(Kept):
    async def rows(self, **filters: Any) -> Any:
        return (await super().rows(**filters))[::-1]


class OneFilter(Kept):
    async def rows(self, *, status: Any = None, **filters: Any) -> Any:
        return await super().rows(**filters)


class AnyCase(Kept):
    async def rows(self, *, prefix: str = "", **filters: Any) -> Any:
        found = await super().rows(**filters)
        return [row for row in found if row.run_id.lower().startswith(prefix.lower())]


class ForgetsFields(Kept):
    async def rows(self, **filters: Any) -> Any:
        return [replace(row, ended_at=None, loop_name="demo") for row in await super().rows(**filters)]


class TrustsOwners(Kept):
    async def append(
        self, lease: Any, seq: int, count: int, payload: bytes, row: Any = None, **more: Any
    ) -> None:
        await super().append(lease, seq, count, payload, row, **more)
        if row is not None:
            self._runs[lease.run_id].row = replace(row)


class TouchesRows(Kept):
    async def append(
        self, lease: Any, seq: int, count: int, payload: bytes, row: Any = None, **more: Any
    ) -> None:
        await super().append(lease, seq, count, payload, row, **more)
        if row is None:
            self._runs[lease.run_id].row.turn = 0


class LendsRows(Kept):
    async def rows(self, **filters: Any) -> Any:
        wanted = {row.run_id for row in await super().rows(**filters)}
        return [run.row for run in self._runs.values() if run.row.run_id in wanted]


class ClaimsAlways(Kept):
    async def claim(self, run_id: str, owner: str, ttl: float) -> Any:
        if run_id in self._runs:
            self._runs[run_id].row.owner = None
        return await super().claim(run_id, owner, ttl)


class ClaimsStrangers(Kept):
    async def claim(self, run_id: str, owner: str, ttl: float) -> Any:
        row = self._runs[run_id].row
        if row.owner is not None and " " in row.owner:
            row.owner = None
        return await super().claim(run_id, owner, ttl)


class AppendsForAnyone(Kept):
    async def append(self, lease: Any, *args: Any, **more: Any) -> None:
        await super().append(lease._replace(fence=self._runs[lease.run_id].held), *args, **more)


class MindsTheClock(Kept):
    async def append(self, lease: Any, *args: Any, **more: Any) -> None:
        if self._runs[lease.run_id].row.lease_until < time.time():
            raise LeaseLost("it has run out")
        await super().append(lease, *args, **more)


class WaitsForTheDead(Kept):
    async def claim(self, run_id: str, owner: str, ttl: float) -> Any:
        row = self._runs[run_id].row
        if row.owner is not None and row.lease_until > time.time():
            raise RunOwned(f"{row.owner} drives {run_id}")
        return await super().claim(run_id, owner, ttl)


class Clings(Kept):
    async def release(self, lease: Any) -> None:
        return None


class ReleasesLoudly(Kept):
    async def release(self, lease: Any) -> None:
        if self._runs[lease.run_id].held != lease.fence:
            raise LeaseLost("it is lost already")
        await super().release(lease)


class AppendsOnly(Kept):
    async def append(self, *args: Any, release: bool = False, **more: Any) -> None:
        await super().append(*args, **more)


class DoesNotProlong(Kept):
    async def renew(self, leases: Any, ttl: float) -> Renewal:
        until = {
            lease.run_id: self._runs[lease.run_id].row.lease_until
            for lease in leases
            if lease.run_id in self._runs
        }
        renewal = await super().renew(leases, ttl)
        for run_id, before in until.items():
            self._runs[run_id].row.lease_until = before
        return renewal


class LosesNothing(Kept):
    async def renew(self, leases: Any, ttl: float) -> Renewal:
        renewal = await super().renew(leases, ttl)
        renewal.lost.clear()
        return renewal


class RepeatsSignals(Kept):
    async def renew(self, leases: Any, ttl: float) -> Renewal:
        kept = {
            lease.run_id: list(self._runs[lease.run_id].signals)
            for lease in leases
            if lease.run_id in self._runs
        }
        renewal = await super().renew(leases, ttl)
        for run_id, signals in kept.items():
            self._runs[run_id].signals = signals
        return renewal


class DropsSignals(Kept):
    async def signal(self, run_id: str, signal: Any) -> None:
        if self._run(run_id).row.lease_until > time.time():
            await super().signal(run_id, signal)


class ReadsTheFirst(Kept):
    async def read(self, run_id: str, after: int = 0) -> Any:
        async for batch in super().read(run_id, after):
            yield batch
            return


class Rewrites(Kept):
    async def read(self, run_id: str, after: int = 0) -> Any:
        async for batch in super().read(run_id, after):
            yield Batch(batch.first_seq, b" ".join(batch.payload.split()))


class RewritesTheFirst(Kept):
    async def create(self, row: Any, owner: str, ttl: float, payload: bytes, count: int) -> Any:
        return await super().create(row, owner, ttl, payload.replace(b" ", b""), 1)


class ReadsAll(Kept):
    async def read(self, run_id: str, after: int = 0) -> Any:
        async for batch in super().read(run_id, 0):
            yield batch


class ReadsLatestFirst(Kept):
    async def read(self, run_id: str, after: int = 0) -> Any:
        for batch in [batch async for batch in super().read(run_id, after)][::-1]:
            yield batch


class AppendsAnywhere(Kept):
    async def append(self, lease: Any, seq: int, *args: Any, **more: Any) -> None:
        await super().append(lease, self._runs[lease.run_id].last_seq, *args, **more)


class CreatesAgain(Kept):
    async def create(self, row: Any, *args: Any, **more: Any) -> Any:
        self._runs.pop(row.run_id, None)
        return await super().create(row, *args, **more)


class NamesNothing(Kept):
    def _run(self, run_id: str) -> Any:
        return self._runs[run_id]


class TakesTurns(Kept):
    async def append(self, *args: Any, **more: Any) -> None:
        await asyncio.sleep(0.01 * (next(COUNTER) % 3))
        await super().append(*args, **more)


class AppendsByHalves(Kept):
    async def append(
        self, lease: Any, seq: int, count: int, payload: bytes, row: Any = None, **more: Any
    ) -> None:
        await super().append(lease, seq, count, payload, row, **more)
        run = self._runs[lease.run_id]
        run.last_seq = seq
        await asyncio.sleep(0.01)
        run.last_seq = seq + count
