"""Finds and removes what runs have left on disk that nobody can use any more.

Commands reach these functions through the engine's methods ``leftovers`` and ``remove_leftovers``, which an engine
may lack: ``getattr(kernel.engine(), "leftovers", None)``.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from loopengt_local.workspaces.git import git
from loopengt_local.workspaces.installing import merging_alone, merging_folder
from loopengt_local.workspaces.removing import GOING, remove_workspace
from loopengt_local.workspaces.trees import tree_ref
from loopengt_local.workspaces.workspace import workspace_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["IN_THE_MAKING_SECONDS", "Leftover", "list_leftovers", "remove_leftover"]

IN_THE_MAKING_SECONDS = 600.0
"""Age below which a workspace without a run may belong to one that is just being started."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that a run has left."""

    run_id: str
    """The run."""
    what: str
    """A few words for a person: ``workspace without a run`` and the like."""
    path: Path
    """Where it is, or was."""


def list_leftovers(
    project: Path, known_run_ids: Collection[str], *, min_age_seconds: float = IN_THE_MAKING_SECONDS
) -> list[Leftover]:
    """Return what can be removed: nothing of it belongs to a run that can go on or be looked at.

    These are merges that a dead process began (removing them undoes or finishes them), workspaces that were being
    removed, workspaces of unknown runs, and branches, worktree entries and saved trees without a workspace.

    Args:
        project: The project folder.
        known_run_ids: All runs of the project.
        min_age_seconds: How old the workspace of an unknown run must be.
    """
    found: dict[tuple[str, str], Leftover] = {}
    for leftover in (
        *_merges(project),
        *_folders(project, known_run_ids, min_age_seconds),
        *_refs(project),
    ):
        found.setdefault((leftover.run_id, leftover.what), leftover)
    return list(found.values())


def remove_leftover(project: Path, leftover: Leftover) -> None:
    """Remove what ``list_leftovers`` has found.

    Raises:
        LoopengtError: Files cannot be removed.
    """
    with merging_alone(project):  # which undoes or finishes merges
        if leftover.what != _MERGE:
            remove_workspace(project, workspace_folder(project) / leftover.run_id, leftover.run_id)


_MERGE = "merge that was broken off"


def _merges(project: Path) -> Iterator[Leftover]:
    for path in _entries(merging_folder(project)):
        if path.is_dir() and not path.is_symlink():
            yield Leftover(path.name, _MERGE, path)


def _folders(project: Path, known: Collection[str], min_age: float) -> Iterator[Leftover]:
    for path in _entries(workspace_folder(project)):
        if path.name.startswith(GOING):
            yield Leftover(path.name.removeprefix(GOING), "workspace that was being removed", path)
        elif path.name not in known and time.time() - _changed(path) >= min_age:
            yield Leftover(path.name, "workspace without a run", path)


def _refs(project: Path) -> Iterator[Leftover]:
    if not (project / ".git").exists():
        return
    listing = git(project, "for-each-ref", "--format=%(refname)", "refs/loopengt/", check=False)
    for run_id in sorted({unquote(ref.split("/")[2]) for ref in listing.decode().split()}):
        path = workspace_folder(project) / run_id
        if not os.path.lexists(path) and tree_ref(run_id) in listing.decode():
            yield Leftover(run_id, "branch or saved files without a workspace", path)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_ctime
    except FileNotFoundError:
        return time.time()
