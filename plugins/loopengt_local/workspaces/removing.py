"""Removes workspaces, so that what a crash leaves of one can be removed by a second try."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import LoopengtError
from loopengt_local.workspaces.git import git
from loopengt_local.workspaces.trees import tree_ref

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["GOING", "remove_folder", "remove_refs", "remove_workspace"]

GOING = ".going-"
"""Beginning of the name of a workspace that is being removed."""


def remove_workspace(project: Path, path: Path, run_id: str) -> None:
    """Remove a workspace with its worktree entry, branch and saved trees. What is not there is no error.

    The folder goes first and the refs last, since they say that the rest was ours.

    Args:
        project: The project folder.
        path: The workspace's folder.
        run_id: The run that it belonged to.

    Raises:
        LoopengtError: Files cannot be removed.
    """
    going = path.parent / f"{GOING}{path.name}"
    try:
        with suppress(FileNotFoundError):
            if not os.path.lexists(going):
                path.rename(going)
        remove_folder(going)
        remove_folder(path)
    except OSError as exc:
        raise LoopengtError(
            f"the workspace {path} cannot be removed: {exc}", remedy="Mend permissions, then try again."
        ) from exc
    if (project / ".git").exists():
        remove_refs(project, path, run_id)


def remove_refs(project: Path, path: Path, run_id: str) -> None:
    """Remove what a project's repository has of the worktree of a run, whose folder is gone."""
    refs = git(project, "for-each-ref", "--format=%(refname)", tree_ref(run_id), check=False).decode().split()
    git(project, "worktree", "remove", "--force", "--force", str(path), check=False)
    if refs:
        git(project, "branch", "-q", "-D", f"loopengt/{run_id}", check=False)
    for ref in refs:
        git(project, "update-ref", "-d", ref, check=False)


def remove_folder(path: Path) -> None:
    """Remove a folder and all below it, also where permissions were taken away; nothing when it is not there.

    Raises:
        OSError: Something cannot be removed.
    """
    if os.path.islink(path) or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except RecursionError:  # an agent may nest folders deeper than Python's stack
        subprocess.run(["rm", "-rf", "--", str(path)], check=False, capture_output=True)
        if path.exists():
            raise OSError(f"{path} cannot be removed") from None
    except PermissionError:
        path.chmod(stat.S_IRWXU)
        for folder, folders, _ in os.walk(path):
            for name in folders:
                if not os.path.islink(os.path.join(folder, name)):
                    os.chmod(os.path.join(folder, name), stat.S_IRWXU)
        shutil.rmtree(path)
