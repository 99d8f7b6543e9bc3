"""Compares trees of a repository, and makes new ones of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from loopengt.temporary import temporary_folder
from loopengt_local.workspaces.git import git, git_output

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "GITLINK",
    "Blob",
    "Touched",
    "changes_between",
    "index_lines",
    "names",
    "read_index",
    "tree_of",
    "tree_with",
]

Blob = tuple[bytes, bytes] | None
"""Mode and object of a file; None: there is none."""

Touched = dict[bytes, tuple[Blob, Blob]]
"""What stood at each path that differs, and what stands there."""

GITLINK = b"160000"

_MOST_NAMES = 10


def changes_between(repository: Path, old: str, new: str) -> Touched:
    """Return what differs between two commits or trees, by path."""
    parts = git(repository, "diff-tree", "-r", "-z", "--no-renames", "--raw", old, new).split(b"\0")
    touched: Touched = {}
    for facts, path in zip(parts[0::2], parts[1::2], strict=False):
        old_mode, new_mode, old_object, new_object, _ = facts.lstrip(b":").split(b" ")
        touched[path] = (_blob(old_mode, old_object), _blob(new_mode, new_object))
    return touched


def _blob(mode: bytes, digest: bytes) -> Blob:
    return None if mode == b"000000" else (mode, digest)


def tree_of(repository: Path, commit: str) -> str:
    """Return the tree of a commit; empty when there is no such commit."""
    found = git_output(repository, "rev-parse", "--verify", "-q", "--end-of-options", f"{commit}^{{tree}}")
    return (found or b"").decode().strip()


def tree_with(repository: Path, tree: str, files: Mapping[bytes, Blob]) -> str:
    """Return a tree that differs from another in some files."""
    if not files:
        return tree
    with temporary_folder(repository) as scratch:
        environ = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        git(repository, "read-tree", tree, environ=environ)
        git(
            repository,
            "update-index",
            "-z",
            "--index-info",
            stdin=index_lines(files, len(tree)),
            environ=environ,
        )
        return git(repository, "write-tree", environ=environ).decode().strip()


def index_lines(files: Mapping[bytes, Blob], digits: int) -> bytes:
    """Return files as ``git update-index -z --index-info`` reads them, deletions first, which make room.

    Args:
        files: The files; None: it is deleted.
        digits: How long the names of objects are.
    """
    ordered = sorted(files.items(), key=lambda item: (item[1] is not None, item[0]))
    gone = (b"0", b"0" * digits)
    return b"".join(b"%s %s\t%s\0" % (*(blob or gone), path) for path, blob in ordered)


def read_index(repository: Path, environ: Mapping[str, str] | None = None) -> dict[bytes, Blob]:
    """Return the files of an index; one that is not merged has the mode ``unmerged``."""
    found: dict[bytes, Blob] = {}
    listing = git(repository, "ls-files", "-s", "-z", environ=environ)
    for line in listing.split(b"\0"):
        facts, _, path = line.partition(b"\t")
        if path:
            mode, digest, stage = facts.split(b" ")
            found[path] = (mode if stage == b"0" else b"unmerged", digest)
    return found


def names(paths: list[bytes]) -> str:
    """Return paths as indented lines for a person, not all of many."""
    shown = [os.fsencode(path).decode(errors="backslashreplace") for path in sorted(paths)[:_MOST_NAMES]]
    more = [f"and {len(paths) - _MOST_NAMES} more"] if len(paths) > _MOST_NAMES else []
    return "".join(f"\n  {line}" for line in (*shown, *more))
