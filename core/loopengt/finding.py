"""Finds the run that a person means, and says whether somebody drives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.errors import RunNotFound
from loopengt.ownership import is_free

if TYPE_CHECKING:
    from loopengt.kernel import Kernel
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = [
    "TRIALS",
    "check_runs_exist",
    "exact_run",
    "find_run",
    "has_crashed",
    "is_driven",
    "keeps_runs",
    "stands_alone",
]

TRIALS = "eval-"
"""Beginning of the ids of runs that are trials of a suite; listings leave them out."""

_LATEST = "latest"
_MOST_CANDIDATES = 10


def keeps_runs(kernel: Kernel) -> bool:
    """Whether there can be runs: looking for them where nothing was ever set up must not create a storage."""
    return kernel.folder.is_dir() or bool(kernel.config.sources)


def check_runs_exist(kernel: Kernel, name: str) -> None:
    """Refuse to look for a run where there can be none.

    Args:
        kernel: The project.
        name: What the person calls the run.

    Raises:
        RunNotFound: The project has no ``.loopengt`` folder, and no setting names another place.
    """
    if not keeps_runs(kernel):
        raise _no_such_run(name)


async def find_run(storage: Storage, name: str) -> RunRow:
    """Return the run that a person means.

    Args:
        storage: Where to look.
        name: An id, an unambiguous prefix of one, or ``latest``.

    Raises:
        RunNotFound: There is none, or more than one; the message lists them.
    """
    if name == _LATEST:
        found = await _latest(storage)
    else:
        found = await storage.rows(prefix=name) if name else []
        # The runs of a run's sub-loops begin with its id.
        roots = [row for row in found if row.parent is None]
        found = [row for row in found if row.run_id == name] or roots or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise _no_such_run(name)
    listed = "\n".join(f"  {row.run_id}  {row.loop_name}" for row in found[:_MOST_CANDIDATES])
    more = "\n  and more" if len(found) > _MOST_CANDIDATES else ""
    message = f"more than one run begins with {name!r}:\n{listed}{more}"
    raise RunNotFound(message, remedy="Give more of the id.")


async def exact_run(storage: Storage, run_id: str) -> RunRow | None:
    """Return the run of that whole id, or None."""
    return next((row for row in await storage.rows(prefix=run_id) if row.run_id == run_id), None)


async def _latest(storage: Storage) -> list[RunRow]:
    """Return the newest run that stands alone."""
    for limit in (_MOST_CANDIDATES, None):
        found = [row for row in await storage.rows(limit=limit) if stands_alone(row)]
        if found:
            return found[:1]
    return []


def stands_alone(row: RunRow) -> bool:
    """Whether a run is one that somebody has started for itself: neither a step of another, nor a trial of a suite."""
    return row.parent is None and not row.run_id.startswith(TRIALS)


def is_driven(row: RunRow) -> bool:
    """Whether a living process drives the run."""
    return row.status == "running" and not is_free(row.owner, row.lease_until)


def has_crashed(row: RunRow) -> bool:
    """Whether the run counts as running, but nobody drives it."""
    return row.status == "running" and is_free(row.owner, row.lease_until)


def _no_such_run(name: str) -> RunNotFound:
    what = "there are no runs yet" if name == _LATEST else f"there is no run {name!r}"
    return RunNotFound(what, remedy="See `loopengt runs`; -C DIR names another project.")
