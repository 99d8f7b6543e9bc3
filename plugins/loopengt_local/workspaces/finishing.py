"""Ends a run's workspace: brings its work into the project, or throws it away."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from loopengt.ownership import current_owner
from loopengt_hookspecs.errors import StorageError, UsageError
from loopengt_hookspecs.models import EndReason
from loopengt_local.forks.changing import current_header
from loopengt_local.workspaces.git import git_errors
from loopengt_local.workspaces.installing import merging_alone, merging_folder, recover
from loopengt_local.workspaces.leftovers import (
    IN_THE_MAKING_SECONDS,
    Leftover,
    list_leftovers,
    remove_leftover,
)
from loopengt_local.workspaces.merging import merge_copy, merge_worktree
from loopengt_local.workspaces.removing import remove_workspace
from loopengt_local.workspaces.workspace import Workspace, workspace_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from loopengt_hookspecs.registration import Components
    from loopengt_hookspecs.storage import RunRow

_T = TypeVar("_T")

__all__ = ["Finishing", "finish"]

_MERGED = (EndReason.GOAL_MET, EndReason.NOTHING_TO_DO)
_MOST_NAMES = 5

_LEASE_SECONDS = 3600.0
"""How long a run is held while its workspace is finished; a process that dies holds nothing."""


class Finishing:
    """The part of the engine that ends workspaces and clears away what crashes leave of them."""

    _components: Components
    _project: Path

    async def finish_workspace(self, run_id: str, action: Literal["merge", "discard"]) -> str:
        """Bring a run's work into the project, or throw it away with its folder; return a sentence about it."""
        storage = self._components.opened_storage()
        header = await current_header(storage, run_id)
        lease = await storage.claim(run_id, current_owner(), _LEASE_SECONDS)
        try:
            (row,) = [row for row in await storage.rows(prefix=run_id) if row.run_id == run_id]
            return await _to_its_end(finish, self._project, row, header["workspace"], action)
        finally:
            with suppress(StorageError):
                await storage.release(lease)

    async def leftovers(
        self, known_run_ids: Collection[str], *, min_age_seconds: float = IN_THE_MAKING_SECONDS
    ) -> list[Leftover]:
        """Return what runs have left that nobody can use any more; see ``list_leftovers``."""
        listing = partial(list_leftovers, min_age_seconds=min_age_seconds)
        return await asyncio.to_thread(listing, self._project, known_run_ids)

    async def remove_leftovers(self, leftovers: Iterable[Leftover]) -> None:
        """Remove what ``leftovers`` has found.

        Raises:
            LoopengtError: Files cannot be removed.
        """
        for leftover in leftovers:
            await _to_its_end(remove_leftover, self._project, leftover)


async def _to_its_end(function: Callable[..., _T], *arguments: object) -> _T:
    """Call a function in a thread and wait until it has ended, also when the caller is cancelled."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def finish(project: Path, row: RunRow, facts: dict[str, Any], action: Literal["merge", "discard"]) -> str:
    """Merge or discard the workspace of a run that nobody drives; its lease must be held.

    Args:
        project: The project folder.
        row: The run.
        facts: What its journal says of the workspace.
        action: What to do.

    Returns:
        A sentence that says what was done.

    Raises:
        UsageError: It cannot be done with this run, or the project has changed too much; nothing was changed.
        LoopengtError: Files cannot be written or removed; it can be tried again.
    """
    workspace = Workspace.of_record(facts)
    _refuse(project, row, workspace, action)
    with merging_alone(project):
        if not workspace.path.is_dir():
            remove_workspace(project, workspace.path, row.run_id)
            if action == "discard":
                return f"The workspace of run {row.run_id} was gone already."
            raise UsageError(
                f"the workspace of run {row.run_id} is gone: it was merged or discarded before",
                remedy="See `git log`, or `loopengt trace` for what the run did.",
            )
        said = f"The workspace of run {row.run_id} was discarded."
        if action == "merge":
            said = _merge(project, row, workspace)
        remove_workspace(project, workspace.path, row.run_id)
    return said


def _refuse(project: Path, row: RunRow, workspace: Workspace, action: str) -> None:
    run_id = row.run_id
    if row.parent is not None:
        raise UsageError(
            f"run {run_id} works in the workspace of run {row.parent}",
            remedy=f"Name that one: loopengt resume {row.parent} --{action}",
        )
    if workspace.kind == "in_place":
        raise UsageError(
            f"run {run_id} has no workspace of its own: it works on the project's own files",
            remedy="See `git diff` for what it has changed.",
        )
    if workspace.path.resolve() != (workspace_folder(project) / run_id).resolve():
        raise UsageError(
            f"the workspace {workspace.path} of run {run_id} is not where this project keeps workspaces",
            remedy="Name the project with -C DIR, or remove the folder by hand.",
        )
    if action == "merge" and row.completed_at is None:
        raise UsageError(
            f"run {run_id} is not at its end, and only what is done is merged",
            remedy=f"Take it up with `loopengt resume {run_id}`, or end it with `loopengt stop {run_id}`.",
        )
    if action == "merge" and row.reason not in _MERGED:
        raise UsageError(
            f"run {run_id} ended {row.reason}, and only a run that has met its goal is merged; "
            f"its work is kept in {workspace.path}",
            remedy=f"Take over by hand what is good of it, or: loopengt resume {run_id} --discard",
        )


def _merge(project: Path, row: RunRow, workspace: Workspace) -> str:
    scratch = merging_folder(project) / row.run_id
    what = f"the work of run {row.run_id} cannot be merged"
    with git_errors(what, remedy=f"It is kept in {workspace.path}; mend that, then try again."):
        try:
            if workspace.kind == "worktree":
                files = merge_worktree(project, workspace, f"{row.loop_name}, run {row.run_id}", scratch)
            else:
                files = merge_copy(project, workspace, scratch)
        finally:
            recover(project, scratch)
    if not files:
        return f"Run {row.run_id} has changed no files; its workspace was removed."
    shown = ", ".join(
        os.fsencode(path).decode(errors="backslashreplace") for path in sorted(files)[:_MOST_NAMES]
    )
    more = ", …" if len(files) > _MOST_NAMES else ""
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    into = "the checked out branch" if workspace.kind == "worktree" else "the project's files"
    return f"Merged {count} of run {row.run_id} into {into}: {shown}{more}"
