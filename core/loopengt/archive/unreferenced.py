"""Finds the blobs that journals refer to, and has the others removed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopengt.finding import is_driven

if TYPE_CHECKING:
    from collections.abc import Collection

    from loopengt_hookspecs.storage import Storage

__all__ = ["DRIVEN_GRACE", "GRACE", "digests_in", "prune_unreferenced"]

GRACE = 600.0
"""Seconds for which a blob is kept that no journal refers to: a run that is being started or imported may, soon.
An engine that remembers having stored a spec stores it anew within this time."""

DRIVEN_GRACE = 86_400.0
"""The same while a run is driven: its steps may take long between a blob and the event that refers to it."""

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


async def digests_in(storage: Storage, run_id: str) -> set[str]:
    """Return all that a journal holds that could be the digest of a blob, wherever it stands.

    Raises:
        RunNotFound: There is no such run.
        StorageError: The journal cannot be read.
    """
    found: set[bytes] = set()
    async for batch in storage.read(run_id):
        found.update(_DIGEST.findall(batch.payload))
    return {digest.decode() for digest in found}


async def prune_unreferenced(
    storage: Storage, *, dry_run: bool = False, without: Collection[str] = ()
) -> int:
    """Remove the blobs that no journal refers to, except young ones, and return how many bytes they had.

    Args:
        storage: Where runs and blobs lie.
        dry_run: Remove nothing, only count.
        without: Ids of runs that do not count.

    Raises:
        StorageError: A journal cannot be read: what it refers to is not known, so that no blob is removed.
    """
    from loopengt.errors import RunNotFound

    keep: set[str] = set()
    driven = False
    for row in await storage.rows():
        if row.run_id in without:
            continue
        driven = driven or is_driven(row)
        try:
            keep |= await digests_in(storage, row.run_id)
        except RunNotFound:  # deleted meanwhile
            continue
    return await storage.prune_blobs(keep, DRIVEN_GRACE if driven else GRACE, dry_run=dry_run)
