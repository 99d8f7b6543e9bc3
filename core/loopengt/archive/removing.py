"""Chooses the runs that may go, and removes a run with its children."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from loopengt.archive.families import children_of, family, held
from loopengt.ownership import is_free

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["ENDED", "IMPORTING", "is_unfinished_import", "prunable", "remove_family"]

ENDED = ("completed", "failed", "cancelled")
"""The statuses of runs that have ended."""

IMPORTING = "importing"
"""The reason in the row of a run whose import is under way."""


def is_unfinished_import(row: RunRow) -> bool:
    """Whether the run is the part of an import that was cut short."""
    return row.status == "pending" and row.reason == IMPORTING and is_free(row.owner, row.lease_until)


def prunable(
    rows: Sequence[RunRow], *, older_than: float, statuses: Collection[str] = ENDED, keep: int = 0
) -> list[RunRow]:
    """Return the runs that have ended long ago, and what imports that were cut short have left.

    Args:
        rows: All runs; children are not returned, they go with their parents.
        older_than: Seconds since their end.
        statuses: How they ended.
        keep: The newest so many runs that ended so are left out, whatever their age.
    """
    ended = [
        row
        for row in rows
        if row.parent is None
        and row.status in statuses
        and row.status in ENDED
        and row.completed_at is not None
        and is_free(row.owner, row.lease_until)
    ]
    ended.sort(key=lambda row: row.completed_at or 0.0, reverse=True)
    until = time.time() - older_than
    old = [row for row in ended[keep:] if (row.completed_at or 0.0) <= until]
    return old + [row for row in rows if row.parent is None and is_unfinished_import(row)]


async def remove_family(
    storage: Storage, root: RunRow, *, first: Callable[[], None] | None = None
) -> list[str]:
    """Delete a run and all that descend from it, and return their ids. Its workspace is the engine's affair.

    The run itself goes last: when this is cut short, it is still there to be deleted again.

    Args:
        storage: Where they lie.
        root: The run.
        first: Called in a thread before, while nobody can go on with them.

    Raises:
        RunNotFound: It is gone.
        RunOwned: Somebody drives one of them; nothing was deleted.
    """
    rows = family(root, children_of(await storage.rows()))
    ids = [row.run_id for row in rows]
    async with held(storage, ids) as leases:
        if first is not None:
            await asyncio.to_thread(first)
        for run_id in reversed(ids):
            await storage.delete(leases[run_id])
    return ids
