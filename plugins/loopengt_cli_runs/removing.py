"""Removes runs: their workspaces through the engine, their journals through the storage."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.archive import archiving_engine, remove_family
from loopengt.errors import LoopengtError, RunNotFound, RunOwned, StorageError
from loopengt.journal import read_events
from loopengt.ownership import is_free, run_owned
from loopengt_hookspecs.models import MemoryScope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loopengt import Kernel
    from loopengt_hookspecs.memory import MemoryStore
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["Removed", "check_free", "folder_size", "read_header", "remove_run", "workspace_of"]

OWN_KINDS = ("worktree", "copy")
"""Kinds of workspaces that belong to their run alone."""


@dataclass(slots=True)
class Removed:
    """What came of removing a run."""

    runs: list[str] = field(default_factory=list)
    """Ids: the run, and the runs of its sub-loops."""
    workspace: Path | None = None
    size: int = 0
    """Bytes of the workspace."""


def check_free(rows: Iterable[RunRow]) -> None:
    """Refuse to touch runs that somebody holds.

    Raises:
        RunOwned: Somebody does.
    """
    for row in rows:
        if row.owner is not None and not is_free(row.owner, row.lease_until):
            error: RunOwned = run_owned(row.run_id, row.owner)
            raise error


async def remove_run(
    kernel: Kernel, storage: Storage, row: RunRow, *, keep_workspace: bool = False
) -> Removed:
    """Remove a run, the runs of its sub-loops, and its workspace.

    The journal goes last: when this is cut short, the run is still there to be removed again. Of a run that does a
    step of another one the files stay: they are the other one's.

    Raises:
        RunNotFound: It is gone already.
        RunOwned: Somebody drives it.
        LoopengtError: Its workspace cannot be removed; the run is still there.
    """
    done = Removed()
    discard: Callable[[], None] | None = None
    if not keep_workspace and row.parent is None:
        folder = workspace_of(await read_header(storage, row.run_id))
        if folder is not None:
            done.workspace, done.size = folder, folder_size(folder)
            discard = partial(archiving_engine(kernel.engine()).discard_workspace, row.run_id)
    done.runs = await remove_family(storage, row, first=discard)
    await _forget(kernel, done.runs)
    return done


async def _forget(kernel: Kernel, runs: Iterable[str]) -> None:
    """Clear what runs kept for themselves in memory; what they kept for their loop or the project stays."""
    store: MemoryStore = kernel.get("memories", kernel.setting("memory", "name"))
    for run_id in runs:
        await store.memory(MemoryScope.RUN, run_id).clear()


async def read_header(storage: Storage, run_id: str) -> dict[str, Any]:
    """Return what a run was started with, as its journal tells; nothing when that cannot be read.

    Raises:
        RunNotFound: There is no such run.
    """
    try:
        async for events in read_events(storage, run_id, blobs=False):
            return dict(events[0].data)
    except RunNotFound:
        raise
    except (StorageError, LoopengtError):
        return {}
    return {}


def workspace_of(header: dict[str, Any]) -> Path | None:
    """Return a run's workspace when it has one of its own, whether the folder is there or not."""
    record = header.get("workspace")
    if not isinstance(record, dict) or record.get("kind") not in OWN_KINDS:
        return None
    return Path(str(record.get("path")))


def folder_size(folder: Path) -> int:
    """Return the bytes of the files below a folder; links count for themselves."""
    total, waiting = 0, [folder]
    while waiting:  # os.walk calls itself once a level, which ends at Python's stack
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # gone meanwhile
            continue
    return total
