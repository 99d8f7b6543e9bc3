"""Keeps runs in plain dictionaries and lists; no method ever waits."""

from __future__ import annotations

import copy
import hashlib
import time
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from loopengt.ownership import is_free, lease_lost, run_owned
from loopengt_hookspecs.storage import Batch, Lease, LeaseLost, Renewal, RunNotFound, RunRow, StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

__all__ = ["MemoryStorage"]

_first_seq = itemgetter(0)


@dataclass(slots=True)
class _Run:
    row: RunRow
    """Its owner fields say who holds the run."""
    batches: list[tuple[int, bytes]]
    """Position of the first event, and the payload."""
    last_seq: int
    fence: int = 1
    held: int = 1
    """The fence of the lease that may append; 0 when nobody holds the run."""
    signals: list[dict[str, Any]] = field(default_factory=list)


class MemoryStorage:
    """A storage whose runs are gone with the object. Closing and opening it again keeps them."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._blobs: dict[str, bytes] = {}
        self._stored_at: dict[str, float] = {}
        self._deleted: dict[str, int] = {}
        """The last fence of each deleted run, so that a lease on it is none on a later run of its id."""

    async def open(self) -> None:
        """Do nothing: memory is always ready."""

    async def close(self) -> None:
        """Do nothing: every append was finished when it returned."""

    async def create(self, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
        """Add a run, see ``Storage.create``."""
        if row.run_id in self._runs:
            raise StorageError(f"There is a run {row.run_id} already.", remedy="Choose another run id.")
        held = replace(row, owner=owner, lease_until=time.time() + ttl)
        fence = self._deleted.pop(row.run_id, 0) + 1
        self._runs[row.run_id] = _Run(held, [(1, payload)], count, fence, fence)
        return Lease(row.run_id, fence)

    async def claim(self, run_id: str, owner: str, ttl: float) -> Lease:
        """Lease a run that nobody drives, see ``Storage.claim``."""
        run = self._run(run_id)
        row = run.row
        if row.owner is not None and not is_free(row.owner, row.lease_until):
            raise run_owned(run_id, row.owner)
        run.fence += 1
        run.held = run.fence
        row.owner, row.lease_until = owner, time.time() + ttl
        return Lease(run_id, run.fence)

    async def renew(self, leases: Sequence[Lease], ttl: float) -> Renewal:
        """Prolong leases and collect signals, see ``Storage.renew``."""
        renewal = Renewal()
        until = time.time() + ttl
        for lease in leases:
            run = self._runs.get(lease.run_id)
            if run is None or run.held != lease.fence:
                renewal.lost.append(lease)
                continue
            run.row.lease_until = until
            if run.signals:
                renewal.signals += [(lease.run_id, signal) for signal in run.signals]
                run.signals = []
        return renewal

    async def release(self, lease: Lease) -> None:
        """Give a lease back, see ``Storage.release``."""
        run = self._runs.get(lease.run_id)
        if run is not None and run.held == lease.fence:
            _free(run)

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
        """Append events, see ``Storage.append``."""
        run = self._runs.get(lease.run_id)
        if run is None or run.held != lease.fence or run.last_seq != expected_seq:
            raise _refusal(lease, expected_seq, run)
        run.batches.append((expected_seq + 1, payload))
        run.last_seq = expected_seq + count
        if row is not None:
            known = run.row
            run.row = replace(row, owner=known.owner, lease_until=known.lease_until, parent=known.parent)
        if release:
            _free(run)

    async def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Iterate over a journal, see ``Storage.read``."""
        run = self._run(run_id)
        if after >= run.last_seq:
            return
        index = max(bisect_right(run.batches, after + 1, key=_first_seq) - 1, 0)
        while index < len(run.batches):
            yield Batch(*run.batches[index])
            index += 1

    async def rows(
        self,
        *,
        prefix: str = "",
        status: str | None = None,
        loop_name: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Return runs, newest first, see ``Storage.rows``."""
        found = [
            run.row
            for run_id, run in reversed(self._runs.items())
            if run_id.startswith(prefix)
            and (status is None or run.row.status == status)
            and (loop_name is None or run.row.loop_name == loop_name)
        ]
        found.sort(key=lambda row: row.started_at, reverse=True)
        return [replace(row) for row in found[:limit]]

    async def signal(self, run_id: str, signal: dict[str, Any]) -> None:
        """Leave a signal, see ``Storage.signal``."""
        self._run(run_id).signals.append(copy.deepcopy(signal))

    async def put_blob(self, data: bytes) -> str:
        """Store bytes, see ``Storage.put_blob``."""
        digest = hashlib.sha256(data).hexdigest()
        self._blobs[digest] = data
        self._stored_at[digest] = time.time()
        return digest

    async def get_blob(self, digest: str) -> bytes:
        """Return the bytes of a digest, see ``Storage.get_blob``."""
        try:
            return self._blobs[digest]
        except KeyError:
            raise StorageError(f"There is no blob {digest!r} in memory.") from None

    async def delete(self, lease: Lease) -> None:
        """Remove a run, see ``Storage.delete``."""
        run = self._runs.get(lease.run_id)
        if run is None or run.held != lease.fence:
            raise lease_lost(lease.run_id, run.row.owner if run else None)
        del self._runs[lease.run_id]
        self._deleted[lease.run_id] = run.fence

    async def prune_blobs(self, keep: Collection[str], older_than: float, *, dry_run: bool = False) -> int:
        """Remove blobs that nobody refers to, see ``Storage.prune_blobs``."""
        until = time.time() - older_than
        old = [digest for digest, at in self._stored_at.items() if at <= until and digest not in keep]
        size = sum(len(self._blobs[digest]) for digest in old)
        if not dry_run:
            for digest in old:
                del self._blobs[digest], self._stored_at[digest]
        return size

    async def compact(self) -> int:
        """Do nothing: what was removed is free already."""
        return 0

    async def check(self) -> list[str]:
        """Return nothing: there is no medium that could be damaged."""
        return []

    def describe(self) -> str:
        """Say what and where the storage is."""
        return "memory of this process (runs are gone when it ends)"

    def _run(self, run_id: str) -> _Run:
        try:
            return self._runs[run_id]
        except KeyError:
            raise RunNotFound(
                f"There is no run {run_id} in memory.", remedy="List the runs there are: loopengt runs"
            ) from None


def _free(run: _Run) -> None:
    run.held = 0
    run.row.owner, run.row.lease_until = None, 0.0


def _refusal(lease: Lease, expected_seq: int, run: _Run | None) -> LeaseLost:
    if run is None:
        return LeaseLost(f"There is no run {lease.run_id} in memory to append to.")
    if run.held != lease.fence:
        return lease_lost(lease.run_id, run.row.owner)
    return LeaseLost(
        f"The journal of run {lease.run_id} stands at {run.last_seq}, not at {expected_seq}.",
        remedy=f"Another part of this process appended to it; resume the run: loopengt resume {lease.run_id}",
    )
