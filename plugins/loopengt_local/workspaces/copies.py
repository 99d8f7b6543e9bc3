"""Makes a workspace that is a copy of the project."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from loopengt_hookspecs.errors import UsageError
from loopengt_local.workspaces.contents import LINKED, NOT_COPIED
from loopengt_local.workspaces.git import IDENTITY, git, git_output

__all__ = ["check_size", "copy_tree", "make_copy", "make_repository"]

_AS_THEY_ARE = "* -text -eol -filter -ident -working-tree-encoding\n"
"""Attributes of a copy's own repository: it keeps the bytes of files, whatever the project's attributes say."""


def make_copy(project: Path, path: Path, limit_mb: int) -> str:
    """Copy a project, and return the commit of the copy's own repository that has what was copied.

    Args:
        project: The project folder.
        path: The folder to make.
        limit_mb: Most megabytes.

    Returns:
        The commit's id; empty when there is no git.

    Raises:
        UsageError: The project is too large.
        OSError: A file cannot be copied.
    """
    check_size(project, limit_mb)
    copy_tree(project, path)
    return make_repository(path)


def check_size(project: Path, limit_mb: int) -> None:
    """Refuse a project that has more than so many megabytes.

    Raises:
        UsageError: It has.
    """
    if _size_mb(project, limit_mb) > limit_mb:
        raise UsageError(
            f"project {project} has more than {limit_mb} MB, too much to copy for each run",
            remedy="Run with --in-place, make the folder a git repository, or raise "
            "`copy_limit_mb` under [plugins.local] in .loopengt/config.toml.",
        )


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder without what tools leave behind; dependencies are linked, wherever they lie."""
    linked: list[Path] = []

    def left_out(folder: str, names: list[str]) -> set[str]:
        links = [name for name in LINKED.intersection(names) if Path(folder, name).is_dir()]
        linked.extend(Path(folder, name).relative_to(source) for name in links)
        return {*NOT_COPIED.intersection(names), *links}

    shutil.copytree(source, target, symlinks=True, ignore=left_out)
    for relative in linked:
        (target / relative).symlink_to(source / relative)


def make_repository(path: Path) -> str:
    """Make a copy a git repository of its own, when there is git.

    Tools that heed ignore files would otherwise follow those of the folders above, which ignore ``.loopengt/``: a
    linter would find nothing to complain about, and a gate would pass on nothing. It also lets agents and
    people see with ``git diff`` what a run has changed.
    """
    git(path, "init", "-q", "--template=", check=False)
    if not (path / ".git").is_dir():
        return ""
    info = path / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "exclude").write_text("\n".join(sorted(LINKED)) + "\n", encoding="utf-8")
    (info / "attributes").write_text(_AS_THEY_ARE, encoding="utf-8")
    git(path, "add", "-A", check=False)
    message = "The project when the run began"
    quiet = ("-c", "commit.gpgsign=false", "commit", "-q", "--no-verify", "--allow-empty")
    git(path, *quiet, "-m", message, check=False, environ=IDENTITY)
    return (git_output(path, "rev-parse", "--verify", "-q", "HEAD") or b"").decode().strip()


def _size_mb(project: Path, limit_mb: int) -> float:
    total = 0
    for folder, folders, files in os.walk(project):
        folders[:] = [name for name in folders if name not in NOT_COPIED | LINKED]
        for name in files:
            total += os.lstat(os.path.join(folder, name)).st_size
        if total > limit_mb * 1_000_000:
            break
    return total / 1_000_000
