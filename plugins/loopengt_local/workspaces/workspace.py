"""Gives a run its workspace: the project itself, a git worktree, or a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from loopengt.project import make_state_folder
from loopengt_hookspecs.errors import LoopengtError, UsageError
from loopengt_hookspecs.models import WorkspaceKind
from loopengt_local.workspaces.copies import make_copy
from loopengt_local.workspaces.git import git_output
from loopengt_local.workspaces.removing import remove_workspace
from loopengt_local.workspaces.worktrees import branch_of, is_branch, make_worktree

__all__ = ["Workspace", "make_workspace", "workspace_folder"]


class Workspace:
    """The folder that a run works in.

    Args:
        path: The folder.
        kind: ``in_place``, ``worktree`` or ``copy``.
        branch: The git branch of a worktree.
        base: The commit of the project that a worktree was made of.
        start: The commit, in the workspace's repository, of the files that it had at the start; empty when there is
            no git.
    """

    def __init__(self, path: Path, kind: str, branch: str = "", *, base: str = "", start: str = "") -> None:
        self.path = path
        self.kind = kind
        self.branch = branch
        self.base = base
        self.start = start

    def record(self) -> dict[str, Any]:
        """Return what the journal keeps of it."""
        optional = {"branch": self.branch, "base": self.base, "start": self.start}
        return {"path": str(self.path), "kind": self.kind} | {
            name: value for name, value in optional.items() if value
        }

    @classmethod
    def recorded(cls, facts: dict[str, Any], project: Path) -> Workspace:
        """Return the workspace of a run from its journal.

        Raises:
            UsageError: The folder is gone.
        """
        workspace = cls.of_record(facts)
        if not workspace.path.is_dir():
            raise UsageError(
                f"the run's workspace {workspace.path} is gone",
                remedy="Put it back, or start a new run; `loopengt trace RUN` still shows this one.",
            )
        return workspace

    @classmethod
    def of_record(cls, facts: dict[str, Any]) -> Workspace:
        """Return the workspace of a run from its journal, whether its folder is there or not."""
        return cls(
            Path(facts["path"]),
            facts["kind"],
            facts.get("branch", ""),
            base=facts.get("base", ""),
            start=facts.get("start", ""),
        )


def workspace_folder(project: Path) -> Path:
    """Return the folder that holds the workspaces of a project's runs."""
    return project / ".loopengt" / "workspaces"


def make_workspace(project: Path, run_id: str, *, kind: WorkspaceKind, limit_mb: int) -> Workspace:
    """Make the workspace of a new run.

    ``auto`` is a worktree where the project is the top of a git repository with a commit, else a copy. A worktree is
    on the branch ``loopengt/<run>`` of the commit that is checked out, and uncommitted changes and untracked files
    are brought along.

    Args:
        project: The project folder.
        run_id: The run.
        kind: What the loop, or the command, asks for.
        limit_mb: Most megabytes of a copy.

    Raises:
        UsageError: There is no repository for a worktree, the project is too large to copy, or the run has a workspace
            or branch already.
        LoopengtError: The copy or worktree cannot be made; nothing is left of it.
    """
    if kind is WorkspaceKind.IN_PLACE:
        return Workspace(project, "in_place")
    versioned = _has_commits(project)
    if kind is WorkspaceKind.WORKTREE and not versioned:
        raise UsageError(
            f"the loop asks for `workspace: worktree`, and {project} is not the top of a git repository with a commit",
            remedy="Commit the project with git, or set `workspace: copy` or `auto`.",
        )
    path = workspace_folder(project) / run_id
    if os.path.lexists(path):
        raise UsageError(f"the workspace {path} is there already", remedy="Choose another run id.")
    as_worktree = versioned and kind is not WorkspaceKind.COPY
    if as_worktree and is_branch(project, run_id):
        raise UsageError(
            f"the branch {branch_of(run_id)} is there already",
            remedy=f"Choose another run id, or delete it: git branch -D {branch_of(run_id)}",
        )
    try:
        make_state_folder(path.parent)
        if as_worktree:
            base, start = make_worktree(project, path, run_id)
            return Workspace(path, "worktree", branch_of(run_id), base=base, start=start)
        return Workspace(path, "copy", start=make_copy(project, path, limit_mb))
    except (OSError, shutil.Error, subprocess.CalledProcessError) as exc:
        with suppress(LoopengtError):
            remove_workspace(project, path, run_id)  # half a copy may be what fills the disk
        said = exc.stderr if isinstance(exc, subprocess.CalledProcessError) else None
        raise LoopengtError(
            f"the workspace {path} cannot be made: {said.decode(errors='replace').strip() if said else exc}",
            remedy="Free space or mend permissions, or work on the files themselves with --in-place.",
        ) from exc


def _has_commits(project: Path) -> bool:
    return (project / ".git").exists() and bool(git_output(project, "rev-parse", "--verify", "-q", "HEAD"))
