"""Makes a workspace that is a worktree of the project's git repository, and reads what it holds."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from loopengt.temporary import temporary_folder
from loopengt_local.workspaces.contents import LINKED, find_entries
from loopengt_local.workspaces.copies import copy_tree
from loopengt_local.workspaces.git import IDENTITY, git, git_lines, git_status
from loopengt_local.workspaces.trees import tree_ref
from loopengt_local.workspaces.writing import remove_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["START", "branch_of", "is_branch", "make_worktree", "staged_tree"]

START = "start"
"""Name of the saved tree that a worktree begins with. Its ref is made first and removed last: it says that the branch
and the worktree of that name are ours."""


def branch_of(run_id: str) -> str:
    """Return the branch of a run's worktree."""
    return f"loopengt/{run_id}"


def is_branch(project: Path, run_id: str) -> bool:
    """Whether a project has the branch of a run."""
    return git_status(project, "show-ref", "--verify", "-q", f"refs/heads/{branch_of(run_id)}") == 0


def make_worktree(project: Path, path: Path, run_id: str) -> tuple[str, str]:
    """Make the worktree of a run, with what is not committed in the project.

    Args:
        project: The top of a git repository that has a commit.
        path: The folder to make; its last part is the run's id.
        run_id: The run.

    Returns:
        The commit that is checked out, and one that has all files that the worktree begins with: the same, when
        nothing was uncommitted.

    Raises:
        CalledProcessError, OSError: It cannot be made.
    """
    base = git(project, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    path.mkdir()  # first: branch and ref of a folder that is there are no leftovers
    git(project, "update-ref", tree_ref(run_id, START), base)
    git(project, "worktree", "add", "-q", "-b", branch_of(run_id), str(path), base)
    if not _bring_uncommitted(project, path, base):
        return base, base
    tree = staged_tree(path)
    message = f"Files that run {run_id} began with"
    start = git(path, "commit-tree", tree, "-p", base, "-m", message, environ=IDENTITY).decode().strip()
    git(project, "update-ref", tree_ref(run_id, START), start)
    return base, start


def staged_tree(path: Path) -> str:
    """Return the tree that committing everything in a worktree would make; index and branch are not touched."""
    with temporary_folder(path) as scratch:
        index = os.path.join(scratch, "index")
        place = path / os.fsdecode(git(path, "rev-parse", "--git-path", "index").removesuffix(b"\n"))
        with suppress(FileNotFoundError):
            shutil.copyfile(place, index)
        environ = {"GIT_INDEX_FILE": index}
        git(path, "-c", "core.safecrlf=false", "-c", "add.ignoreErrors=false", "add", "-A", environ=environ)
        return git(path, "write-tree", environ=environ).decode().strip()


def _bring_uncommitted(project: Path, path: Path, base: str) -> bool:
    """Bring changes and untracked files into a new worktree, as they are; say whether there are any."""
    options = ("-z", "--name-only", "--no-renames", "--no-ext-diff", "--ignore-submodules=all")
    changed = [os.fsencode(line) for line in git_lines(project, "diff", *options, base)]
    for gone in changed:
        remove_file(os.fsencode(path), gone)
    left_out = (".loopengt/", *(f"{name}/" for name in _link_dependencies(project, path)))
    untracked = [
        name
        for name in git_lines(project, "ls-files", "-z", "--others", "--exclude-standard")
        if not name.startswith(left_out)
    ]
    for there in map(os.fsdecode, find_entries(project, changed)):
        _copy_file(project / there, path / there)
    for name in untracked:
        if name.endswith("/"):  # a repository of its own, into which git does not look
            copy_tree(project / name, path / name)
        else:
            _copy_file(project / name, path / name)
    return bool(changed or untracked)


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _link_dependencies(project: Path, path: Path) -> list[str]:
    """Give a worktree the project's installed dependencies, and return the names of their folders.

    Each is a folder of links that git ignores by a file of its own. One link in place of the folder would be
    seen as a change: ``.venv/`` in a .gitignore means folders alone, and ``info/exclude`` is not ours.
    """
    found = [name for name in sorted(LINKED) if (project / name).is_dir()]
    names = [name for name in found if not os.path.lexists(path / name)]
    for name in names:
        folder = path / name
        folder.mkdir()
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        for entry in (project / name).iterdir():
            if entry.name != ".gitignore":
                (folder / entry.name).symlink_to(entry)
    return names
