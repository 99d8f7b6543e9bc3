"""Finds runs: by their id, a prefix of it, or as the latest one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.errors import RunNotFound
from loopengt.ownership import is_free

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["find_run", "has_crashed", "keeps_runs"]

LATEST = "latest"
_MOST_CANDIDATES = 10


def keeps_runs(kernel: Kernel) -> bool:
    """Whether there can be runs: looking for them where nothing was ever set up must not create a storage."""
    return kernel.folder.is_dir() or bool(kernel.config.sources)


async def find_run(storage: Storage, name: str) -> RunRow:
    """Return the run that a person means.

    Args:
        storage: Where to look.
        name: An id, an unambiguous prefix of one, or ``latest``.

    Raises:
        RunNotFound: There is none, or more than one; the message lists them.
    """
    if name == LATEST:
        found = await storage.rows(limit=1)
    else:
        found = await storage.rows(prefix=name, limit=_MOST_CANDIDATES + 1) if name else []
        found = [row for row in found if row.run_id == name] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise no_such_run(name)
    listed = "\n".join(f"  {row.run_id}  {row.loop_name}" for row in found[:_MOST_CANDIDATES])
    more = "\n  and more" if len(found) > _MOST_CANDIDATES else ""
    raise RunNotFound(
        f"more than one run begins with {name!r}:\n{listed}{more}", remedy="Give more of the id."
    )


def no_such_run(name: str) -> RunNotFound:
    """Return the error for a name that fits no run."""
    what = "there are no runs yet" if name == LATEST else f"there is no run {name!r}"
    return RunNotFound(what, remedy="See `loopengt runs`; -C DIR names another project.")


def has_crashed(row: RunRow) -> bool:
    """Whether a run that counts as running has nobody who drives it."""
    return row.status == "running" and is_free(row.owner, row.lease_until)
