"""Lists what a folder holds, and keeps the digests of files that have not changed since they were read."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from loopengt_local.workspaces.git import git_output, git_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["LINKED", "NOT_COPIED", "Digests", "Entry", "find_entries", "list_entries"]

NOT_COPIED = frozenset({".loopengt", ".git", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"})
"""What tools leave behind, and what is ours."""

LINKED = frozenset({".venv", "venv", "node_modules"})
"""Installed dependencies: large, and not what a loop works on; a workspace links to them."""

_SETTLED_SECONDS = 2.0
"""Age from which a file's times tell of every change: no file system counts in coarser steps."""

_REMEMBERED_FILES = 300_000
"""Digests that are kept in memory, over all folders."""

_LIST = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")


class Entry(NamedTuple):
    """A file or symbolic link of a folder."""

    path: bytes
    """Path below the folder."""
    mode: bytes
    """``100644``, ``100755`` or ``120000``, as git says it."""
    state: tuple[int, ...]
    """What changes when the file is written, or put in another's place."""
    settled: bool
    """Whether its last change is so long ago that ``state`` would tell of another."""


def list_entries(folder: Path) -> list[Entry]:
    """Return the files and links of a folder, sorted by path.

    In a git work tree these are the tracked and the untracked files that exist, without the ignored ones; in any
    other folder all but caches and installed dependencies. Repositories inside are looked into. Not listed are
    ``.loopengt``, empty folders, and what is neither file nor link.
    """
    found = find_entries(folder, _names(os.fsencode(folder), b"", own=True))
    return [found[path] for path in sorted(found)]


def find_entries(folder: Path, paths: Iterable[bytes]) -> dict[bytes, Entry]:
    """Return those of some files and links of a folder that are there, by their paths below it."""
    root = os.fsencode(folder)
    found: dict[bytes, Entry] = {}
    real: dict[bytes, bool] = {b"": True}
    now = time.time()
    for path in paths:
        entry = _entry(root, path, now) if path not in found and _below_folders(root, path, real) else None
        if entry is not None:
            found[path] = entry
    return found


def _names(root: bytes, prefix: bytes, *, own: bool) -> Iterator[bytes]:
    folder = os.path.join(root, prefix)
    listing = _listing(Path(os.fsdecode(folder)), own=own)
    if listing is None:
        yield from _walk(folder, prefix)
        return
    for name in listing.split(b"\0"):
        if not name or name.startswith(b".loopengt/"):
            continue
        path = prefix + name
        place = os.path.join(root, path)
        if name.endswith(b"/"):
            yield from _names(root, path, own=False)
        elif os.path.lexists(os.path.join(place, b".git")) and not os.path.islink(place):
            yield from _names(root, path + b"/", own=False)
        else:
            yield path


def _listing(folder: Path, *, own: bool) -> bytes | None:
    """Return what git lists; None when it has no say: there is no repository, or it ignores the whole folder.

    Args:
        folder: The folder.
        own: Whether a repository that begins above the folder counts.
    """
    if os.path.lexists(folder / ".git"):
        only_here = {"GIT_CEILING_DIRECTORIES": str(folder.absolute().parent)}
        return git_output(folder, *_LIST, environ=only_here)
    if own and git_status(folder, "check-ignore", "-q", ".") == 1:
        return git_output(folder, *_LIST)
    return None


def _walk(folder: bytes, prefix: bytes) -> Iterator[bytes]:
    left_out = {os.fsencode(name) for name in NOT_COPIED | LINKED}
    top = len(folder.rstrip(b"/")) + 1
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        folders[:] = [name for name in folders if name not in left_out]
        for name in (*files, *links):
            if name not in left_out:
                yield prefix + os.path.join(parent, name)[top:]


def _below_folders(root: bytes, path: bytes, real: dict[bytes, bool]) -> bool:
    """Whether all above a path are folders: git lists a tracked file also when its folder became a link."""
    parent = os.path.dirname(path)
    known = real.get(parent)
    if known is None:
        known = _below_folders(root, parent, real) and not os.path.islink(os.path.join(root, parent))
        real[parent] = known
    return known


def _entry(root: bytes, path: bytes, now: float) -> Entry | None:
    try:
        found = os.lstat(os.path.join(root, path))
    except OSError:  # deleted, and still tracked
        return None
    if stat.S_ISLNK(found.st_mode):
        mode = b"120000"
    elif stat.S_ISREG(found.st_mode):
        mode = b"100755" if found.st_mode & 0o100 else b"100644"
    else:
        return None
    state = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)
    return Entry(path, mode, state, max(found.st_mtime, found.st_ctime) < now - _SETTLED_SECONDS)


class Digests:
    """Digests of files that were read before, for as long as the files are the same.

    Args:
        compute: Returns the digests of some entries of a folder; None for a file that is gone meanwhile.
    """

    def __init__(self, compute: Callable[[Path, list[Entry]], list[bytes | None]]) -> None:
        self._compute = compute
        self._folders: OrderedDict[Path, dict[bytes, tuple[tuple[int, ...], bytes]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, folder: Path, entries: list[Entry]) -> dict[bytes, bytes]:
        """Return the digest of each entry's content by its path; files that are gone meanwhile are left out."""
        with self._lock:
            known = self._folders.get(folder, {})
        digests: dict[bytes, bytes] = {}
        unknown: list[Entry] = []
        for entry in entries:
            state, digest = known.get(entry.path, ((), b""))
            if state == entry.state:
                digests[entry.path] = digest
            else:
                unknown.append(entry)
        for entry, computed in zip(unknown, self._compute(folder, unknown), strict=True):
            if computed is not None:
                digests[entry.path] = computed
        settled = {
            entry.path: (entry.state, digests[entry.path])
            for entry in entries
            if entry.settled and entry.path in digests
        }
        with self._lock:
            self._folders[folder] = settled
            self._folders.move_to_end(folder)
            while len(self._folders) > 1 and sum(map(len, self._folders.values())) > _REMEMBERED_FILES:
                self._folders.popitem(last=False)
        return digests

    def forget(self, folder: Path) -> None:
        """Forget a folder."""
        with self._lock:
            self._folders.pop(folder, None)
