"""Checks of the project's folder: whether it is one, whether there is room, and what git makes of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from loopengt_cli_project.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel

__all__ = ["check_disk", "check_folder", "check_git"]

MEGABYTE: Final = 1_000_000
SCARCE: Final = 1_000 * MEGABYTE
"""Bytes of free space below which a person should know."""
TOO_LITTLE: Final = 50 * MEGABYTE
"""Bytes of free space below which a run cannot be expected to end well."""
PATIENCE: Final = 10
"""Seconds that git may take."""


def check_folder(kernel: Kernel) -> Iterator[Finding]:
    """Look for the folder ``.loopengt``, and whether this user may write into it."""
    folder = kernel.folder
    quoted = shlex.quote(str(folder))
    if not folder.exists():
        remedy = f"loopengt init {shlex.quote(str(kernel.project))}"
        yield Finding("project", "warn", f"{kernel.project} has no {folder.name}/", remedy)
    elif not folder.is_dir():
        yield Finding("project", "fail", f"{folder} is not a folder", f"mv {quoted} {quoted}.away")
    elif not os.access(folder, os.W_OK | os.X_OK):
        remedy = f"chmod u+rwx {quoted}, as its owner, or mount its disk for writing"
        yield Finding("project", "fail", f"{folder} may not be written by this user", remedy)
    else:
        yield Finding("project", "ok", str(kernel.project))


def check_disk(kernel: Kernel) -> Iterator[Finding]:
    """Look how much space is free."""
    free = shutil.disk_usage(kernel.project).free
    message = f"{free // MEGABYTE:,} MB free where {kernel.project} is"
    if free < SCARCE:
        status: Status = "fail" if free < TOO_LITTLE else "warn"
        yield Finding(
            "disk", status, message, f"free some space; old runs' copies are in {kernel.folder}/workspaces"
        )
    else:
        yield Finding("disk", "ok", message)


def check_git(kernel: Kernel) -> Iterator[Finding]:
    """Say what a run works on: a worktree, where git is there and the project is a repository, or a copy."""
    versioned = (kernel.project / ".git").exists()
    if shutil.which("git") is None:
        if versioned:
            message = "not installed, so that runs work on a copy of this repository and not on a branch"
            yield Finding("git", "warn", message, "install git from https://git-scm.com/downloads")
        else:
            yield Finding("git", "ok", "not installed, and not needed: runs work on a copy of the project")
    elif not versioned:
        yield Finding("git", "ok", f"runs work on a copy: {kernel.project} is not the top of a repository")
    else:
        yield _repository(kernel)


def _repository(kernel: Kernel) -> Finding:
    command = ["git", "-C", str(kernel.project), "log", "-1", "--format=%h"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return Finding("git", "warn", f"no answer from git within {PATIENCE} seconds", shlex.join(command))
    if done.returncode == 0:
        return Finding("git", "ok", f"runs work on a branch of their own, in a worktree of {kernel.project}")
    said = (done.stderr.strip().splitlines() or ["git log failed"])[0]
    return Finding(
        "git", "warn", f"runs work on a copy and not on a branch: {said}", "git commit, then try again"
    )
