"""Gives a fork its workspace, with the files as they were at its place, as far as they were kept."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import WorkspaceKind
from loopengt_local.workspaces.git import IDENTITY, git
from loopengt_local.workspaces.removing import remove_workspace
from loopengt_local.workspaces.trees import restore_tree, save_tree, tree_ref
from loopengt_local.workspaces.workspace import Workspace, make_workspace
from loopengt_local.workspaces.worktrees import START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_local.forks.places import Place, Saved

__all__ = ["OWN_KINDS", "discard", "fork_workspace"]

OWN_KINDS = (WorkspaceKind.COPY.value, WorkspaceKind.WORKTREE.value)
"""Kinds of workspaces that belong to one run alone."""

_KEEP = "Files are kept where a step has `checkpoint: true`."


async def fork_workspace(
    project: Path, run_id: str, fork_id: str, place: Place, limit_mb: int
) -> tuple[Workspace, str]:
    """Make the workspace of a fork.

    Its files are those of the checkpoint at the place, else of the latest one before it, else, where nothing was done
    yet, those that the forked run began with, else those that it has now. A run that works on the project's own files
    is forked in place.

    Args:
        project: The project folder.
        run_id: The run that is forked.
        fork_id: Its fork.
        place: Where it is forked.
        limit_mb: Most megabytes of a copy.

    Returns:
        The workspace, and a sentence that says what its files are when they are not those of the place.
    """
    facts = place.header["workspace"]
    if facts["kind"] not in OWN_KINDS:
        workspace = Workspace.recorded(facts, project)
        return workspace, "It works on the project's own files, as they are now."
    return await asyncio.to_thread(_make, project, run_id, fork_id, place, limit_mb)


def _make(project: Path, run_id: str, fork_id: str, place: Place, limit_mb: int) -> tuple[Workspace, str]:
    source = Workspace.of_record(place.header["workspace"])
    workspace = make_workspace(project, fork_id, kind=WorkspaceKind(source.kind), limit_mb=limit_mb)
    try:
        same = _begin_like(source, workspace, project, fork_id)
        return workspace, _bring_files(project, run_id, source.path, workspace.path, place, same)
    except BaseException:
        discard(project, workspace)
        raise


def _begin_like(source: Workspace, target: Workspace, project: Path, fork_id: str) -> bool:
    """Let a new workspace begin with the files that another one began with; say whether they are still there.

    What the fork has done in the end is then all that both runs have done, and nothing that became of the project
    meanwhile.
    """
    try:
        if target.kind == WorkspaceKind.WORKTREE.value:
            git(project, "cat-file", "-e", f"{source.base}^{{commit}}")
            restore_tree(project, source.start, target.path)
            git(target.path, "reset", "-q", source.base)
            git(project, "update-ref", tree_ref(fork_id, START), source.start)
            target.base, target.start = source.base, source.start
        else:
            restore_tree(source.path, source.start, target.path)
            git(target.path, "add", "-A")
            amend = ("-c", "commit.gpgsign=false", "commit", "-q", "--amend", "--no-edit", "--no-verify")
            git(target.path, *amend, "--allow-empty", environ=IDENTITY)
            target.start = git(target.path, "rev-parse", "HEAD").decode().strip()
    except (UsageError, CalledProcessError):
        return False
    return True


def _bring_files(project: Path, run_id: str, source: Path, target: Path, place: Place, same: bool) -> str:
    """Bring the files, and say what they are when they are not those of the place."""
    for saved in reversed(place.saved):
        if _restored(saved, source, project, target):
            since = place.results - saved.results
            steps = f"{since} step{'' if since == 1 else 's'}"
            return f"Its files are those of checkpoint {saved.id}, {steps} before its place." if since else ""
    if not place.results and same:
        return ""
    if not place.results or not source.is_dir():
        gone = "" if source.is_dir() else f"The workspace of run {run_id} is gone. "
        return f"{gone}Its files are the project's, as they are now. {_KEEP}"
    _copy_files(source, target)
    return f"Its files are those that run {run_id} has now, not those at its place. {_KEEP}"


def _restored(saved: Saved, source: Path, project: Path, target: Path) -> bool:
    for path in _repositories(saved.data, source, project):
        try:
            restore_tree(path, saved.data["tree"], target)
        except UsageError:
            continue  # not there any more; an older checkpoint, or what the run has now, is the next best
        return True
    return False


def _repositories(data: dict[str, Any], source: Path, project: Path) -> Iterator[Path]:
    """Where kept files may lie: with the workspace they were kept of; those of a worktree, in the project's own."""
    for path in (Path(data.get("workspace", source)), project):
        if (path / ".git").exists():
            yield path


def _copy_files(source: Path, target: Path) -> None:
    """Make the files of a new workspace those that another one has."""
    if (source / ".git").exists() and (target / ".git").exists():
        restore_tree(source, save_tree(source, "forked"), target)
        return
    for entry in target.iterdir():  # no git: everything there is
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def discard(project: Path, workspace: Workspace) -> None:
    """Remove the workspace of a fork that could not be made; one that is not its own is left alone."""
    if workspace.kind in OWN_KINDS:
        remove_workspace(project, workspace.path, workspace.path.name)
