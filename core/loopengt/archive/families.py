"""A run and the runs of its sub-loops: found together, and held together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from loopengt.ownership import current_owner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from loopengt_hookspecs.storage import Lease, RunRow, Storage

__all__ = ["children_of", "family", "held"]

_TTL = 60.0


def children_of(rows: Iterable[RunRow]) -> dict[str, list[RunRow]]:
    """Return the runs that have a parent, by its id."""
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        if row.parent is not None:
            found.setdefault(row.parent, []).append(row)
    return found


def family(root: RunRow, children: Mapping[str, Sequence[RunRow]]) -> list[RunRow]:
    """Return a run and all that descend from it, each behind its parent.

    Args:
        root: The run.
        children: As ``children_of`` returns them.
    """
    found = [root]
    seen = {root.run_id}
    for row in found:  # grows while it is walked
        for child in children.get(row.run_id, ()):
            if child.run_id not in seen:
                seen.add(child.run_id)
                found.append(child)
    return found


@asynccontextmanager
async def held(storage: Storage, run_ids: Iterable[str]) -> AsyncIterator[dict[str, Lease]]:
    """Hold the leases of runs for as long as the block takes, so that nobody goes on with them meanwhile.

    Raises:
        RunNotFound: There is no such run.
        RunOwned: Somebody drives one of them.
    """
    leases: dict[str, Lease] = {}
    keeper: asyncio.Task[None] | None = None
    try:
        for run_id in run_ids:
            leases[run_id] = await storage.claim(run_id, current_owner(), _TTL)
        keeper = asyncio.create_task(_keep(storage, leases), name="loopengt archive leases")
        yield leases
    finally:
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        for lease in leases.values():
            await storage.release(lease)


async def _keep(storage: Storage, leases: Mapping[str, Lease]) -> None:
    while True:
        await asyncio.sleep(_TTL / 3)
        await storage.renew(list(leases.values()), _TTL)
