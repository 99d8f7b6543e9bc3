"""Reaches into a workspace and never out of it: one component of a path after the other, by open folders.

A path is walked from the workspace's own descriptor. Nothing is opened through a symlink: where a component is one, its
target takes the component's place, and is walked likewise. So what is swapped for a link between the check and the use
is refused by the system call itself, and no way leads out.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt_hookspecs.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DEEPEST",
    "KEPT_OUT",
    "Place",
    "in_words",
    "is_kept_out",
    "located",
    "open_child",
    "open_file",
    "open_folder",
]

KEPT_OUT = frozenset({".git", ".loopengt"})
"""Folders (or files) that no tool writes to, at any depth: the repository's and our own."""

DEEPEST = 100
"""Folders within folders into which tools go: each is a descriptor, and other programs end at long paths."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: to open a fifo that took a file's place must not wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MOST_LINKS = 40
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symlink"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: an open folder of the workspace, and a name in it, which need not exist."""

    folder: int
    """Descriptor of the folder; open as long as the block of ``located`` lasts."""
    name: str
    """The last component, never a symlink when it was looked at; empty: the folder itself is meant."""
    parts: tuple[str, ...]
    """The real way from the workspace, links resolved, the name included."""
    shown: str
    """The path as it was given, for messages."""

    @property
    def path(self) -> str:
        """The real path, relative to the workspace, with ``/``."""
        return "/".join(self.parts) or "."

    def look(self) -> os.stat_result | None:
        """Return what is there now, links not followed; None: nothing."""
        try:
            return os.stat(self.name or ".", dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None


@contextmanager
def located(workspace: Path, path: str, *, writing: bool = False, making: bool = False) -> Iterator[Place]:
    """Walk to where a path leads; an ``OSError`` in the block becomes a ``ToolError``, too.

    Args:
        workspace: The folder to stay in.
        path: Relative to the workspace; an absolute one must lie in it.
        writing: Refuse what is in ``KEPT_OUT``.
        making: Make the folders that are missing on the way.

    Raises:
        ToolError: The path leads out of the workspace, or nowhere, or not to where one may write.
    """
    todo = _components(workspace, path)
    try:
        walk = _Walk(workspace, path, writing, making)
        try:
            yield walk.to(todo)
        finally:
            walk.close()
    except OSError as error:
        raise ToolError(f"{path}: {in_words(error)}") from error


def open_folder(place: Place) -> int:
    """Open the folder at a place, for the caller to close.

    Raises:
        ToolError: There is none.
        OSError: It cannot be opened.
    """
    found = place.look()
    if found is None:
        raise ToolError(
            f"there is no folder {place.shown} in the workspace", remedy="list_files shows what there is."
        )
    if not stat.S_ISDIR(found.st_mode):
        raise ToolError(f"{place.shown} is not a folder but {_kind(found.st_mode)}")
    return open_child(place.folder, place.name or ".")


def open_child(folder: int, name: str) -> int:
    """Open a folder in a folder, for the caller to close.

    Raises:
        OSError: It is none, or a link to one.
    """
    return os.open(name, _FOLDER, dir_fd=folder)


def open_file(place: Place) -> int:
    """Open the regular file at a place for reading, for the caller to close.

    Raises:
        ToolError: There is none, or it is something else, such as a named pipe.
        OSError: It cannot be opened.
    """
    found = place.look()
    if found is None:
        raise ToolError(
            f"there is no file {place.shown} in the workspace", remedy="list_files shows what there is."
        )
    _refuse_special(found.st_mode, place.shown)
    file = os.open(place.name, _FILE, dir_fd=place.folder)
    try:
        _refuse_special(os.fstat(file).st_mode, place.shown)
    except ToolError:
        os.close(file)
        raise
    return file


def is_kept_out(name: str) -> bool:
    """Whether a component names a folder of ``KEPT_OUT``, also as file systems without case would read it."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return plain.casefold().rstrip(". ") in KEPT_OUT


def in_words(error: OSError) -> str:
    """What the system says, without the path on this machine."""
    return (error.strerror or type(error).__name__).lower()


class _Walk:
    """A way through the workspace: the open folders on it, and their names."""

    def __init__(self, workspace: Path, path: str, writing: bool, making: bool) -> None:
        self._workspace = workspace
        self._path = path
        self._writing = writing
        self._making = making
        self._names: list[str] = []
        self._links = 0
        self._folders = [os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]

    def to(self, todo: deque[str]) -> Place:
        while todo:
            part = todo.popleft()
            if part == "..":
                self._up()
                continue
            target = self._target(part)
            if target is not None:
                self._follow(target, todo)
                continue
            self._admit(part)
            if not todo:
                return Place(self._folders[-1], part, (*self._names, part), self._path)
            self._down(part)
        return Place(self._folders[-1], "", tuple(self._names), self._path)

    def close(self) -> None:
        for folder in self._folders:
            os.close(folder)
        self._folders.clear()

    def _up(self) -> None:
        if not self._names:
            raise _outside(self._path)
        self._names.pop()
        os.close(self._folders.pop())

    def _target(self, part: str) -> str | None:
        try:
            return os.readlink(part, dir_fd=self._folders[-1])
        except OSError:  # no link, or nothing at all
            return None

    def _follow(self, target: str, todo: deque[str]) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise ToolError(f"{self._path} leads through too many symlinks")
        components = _components(self._workspace, target, self._path)
        if os.path.isabs(target):
            while self._names:
                self._up()
        todo.extendleft(reversed(components))

    def _admit(self, part: str) -> None:
        if self._writing and is_kept_out(part):
            raise ToolError(f"{self._path} may not be written: tools leave {part} alone")

    def _down(self, part: str) -> None:
        if len(self._names) >= DEEPEST:
            raise ToolError(
                f"{self._path[:200]} is nested too deeply: tools go into {DEEPEST} folders at most"
            )
        here = self._folders[-1]
        try:
            folder = open_child(here, part)
        except FileNotFoundError:
            if not self._making:
                raise ToolError(
                    f"there is no {'/'.join((*self._names, part))} in the workspace",
                    remedy="list_files shows what there is.",
                ) from None
            with suppress(FileExistsError):  # another call was faster
                os.mkdir(part, dir_fd=here)
            folder = open_child(here, part)
        except NotADirectoryError:
            raise ToolError(f"{'/'.join((*self._names, part))} is not a folder") from None
        self._folders.append(folder)
        self._names.append(part)


def _components(workspace: Path, path: str, shown: str | None = None) -> deque[str]:
    """Split a path, or the target of a link, into components.

    Raises:
        ToolError: It is absolute and outside the workspace, or no path at all.
    """
    shown = path if shown is None else shown
    if not path or "\0" in path:
        raise ToolError(
            "the path is empty or has a zero byte: give one relative to the workspace, such as src/a.py"
        )
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise ToolError(f"{shown!a} cannot be a path: it is not valid Unicode") from None
    if os.path.isabs(path):
        for root in (str(workspace), os.path.realpath(workspace)):
            if path == root or path.startswith(root.rstrip("/") + "/"):
                path = path[len(root) :]
                break
        else:
            raise _outside(shown)
    return deque(part for part in path.split("/") if part not in ("", "."))


def _outside(path: str) -> ToolError:
    return ToolError(
        f"{path} leads out of the workspace", remedy="Give a path inside the workspace, relative to it."
    )


def _refuse_special(mode: int, shown: str) -> None:
    if not stat.S_ISREG(mode):
        raise ToolError(f"{shown} is not a file but {_kind(mode)}")


def _kind(mode: int) -> str:
    return next((words for test, words in _KINDS if test(mode)), "a file")
