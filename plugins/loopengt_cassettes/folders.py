"""Looks at a workspace: which files it holds, and what has changed since."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

__all__ = ["LEFT_OUT", "FileState", "Listing", "Scanner", "changes", "is_left_out", "look", "open_plain"]

LEFT_OUT = (".git", ".loopengt", "__pycache__")
"""Files and folders of these names, and folders named ``.*_cache``, are no part of what an agent has made."""

_CHUNK = 1 << 20
_SETTLED_NS = 1_000_000_000
"""Age from which a file's times tell whether it has changed; a younger one may change without them."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What stands at a path."""

    kind: str
    """``file`` or ``link``."""
    mode: int
    """Permission bits of a file; 0 for a link."""
    content: str
    """SHA-256 of a file's content; a link's target."""


Listing: TypeAlias = dict[str, FileState]
"""Files and links by their path, relative to the workspace, with ``/``."""


def is_left_out(name: str) -> bool:
    """Whether a file or folder of that name is left out."""
    return name in LEFT_OUT or (name.startswith(".") and name.endswith("_cache"))


def changes(before: Mapping[str, FileState], after: Mapping[str, FileState]) -> list[str]:
    """Return the paths that differ, sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def look(root: Path, paths: Iterable[str]) -> Listing:
    """Return what stands at some paths of a workspace. It blocks."""
    found: Listing = {}
    for path in paths:
        place = os.path.join(root, path)
        try:
            facts = os.lstat(place)
            if stat.S_ISLNK(facts.st_mode):
                found[path] = FileState("link", 0, os.readlink(place))
            elif stat.S_ISREG(facts.st_mode):
                found[path] = FileState("file", stat.S_IMODE(facts.st_mode), _digest(place))
        except OSError:
            continue
    return found


class Scanner:
    """Lists one workspace, and remembers the digests of files that do not change. Its methods block.

    Args:
        root: The workspace.
        apart: A folder that is left out, should it lie in the workspace.
    """

    def __init__(self, root: Path, apart: Path) -> None:
        self._root = str(root)
        real = root.resolve()
        apart = apart.resolve()
        self._apart = apart.relative_to(real).as_posix() if apart.is_relative_to(real) else ""
        self._digests: dict[str, tuple[tuple[int, ...], str]] = {}

    def scan(self) -> Listing:
        """Return what the workspace holds; what is neither file nor link, or cannot be read, is left out."""
        now = time.time_ns()
        known, self._digests = self._digests, {}
        return {
            path: state for path, entry in self._walk() if (state := self._state(path, entry, known, now))
        }

    def _walk(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        waiting = [""]  # no recursion: an agent may nest folders deeper than Python's stack
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as entries:
                    found = list(entries)
            except OSError:
                continue
            for entry in found:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if is_left_out(entry.name) or path == self._apart:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                else:
                    yield path, entry

    def _state(
        self, path: str, entry: os.DirEntry[str], known: dict[str, tuple[tuple[int, ...], str]], now: int
    ) -> FileState | None:
        try:
            if entry.is_symlink():
                return FileState("link", 0, os.readlink(entry.path))
            facts = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(facts.st_mode):
                return None
            stamp = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
            digest = known[path][1] if path in known and known[path][0] == stamp else _digest(entry.path)
        except OSError:
            return None
        if now - max(facts.st_mtime_ns, facts.st_ctime_ns) > _SETTLED_NS:
            self._digests[path] = (stamp, digest)
        return FileState("file", stat.S_IMODE(facts.st_mode), digest)


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open_plain(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def open_plain(path: str | Path) -> IO[bytes]:
    """Open a file for reading that may have been swapped for something else since it was listed.

    Raises:
        OSError: It is a link, or no regular file any more, or cannot be opened.
    """
    # Not blocking: to open a named pipe that took its place must not wait for a writer.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return open(file, "rb", buffering=0)
