"""Walks through the folders of a workspace, in order, following no links and within limits."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING

from loopengt_tools.confined import DEEPEST, is_kept_out, open_child
from loopengt_tools.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_tools.stop import Stop

__all__ = ["Found", "Walk"]

GENERATED = frozenset(
    {
        *("node_modules", ".venv", "venv", ".tox", ".nox", "__pycache__", ".mypy_cache", ".pytest_cache"),
        *(".ruff_cache", ".hypothesis", ".gradle", ".terraform"),
    }
)
"""Folders of installed packages and caches, which hide what a project itself consists of."""

_MOST_IN_FOLDER = 50_000
_MOST_SEEN = 500_000
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of a folder."""

    name: str
    folder: int
    """Descriptor of the folder that it is in; open until the next entry is asked for."""
    parts: tuple[str, ...]
    """The way to it from where the walk began, its name included."""
    kind: str
    """``folder``, ``file``, ``link`` or ``special``."""

    @property
    def path(self) -> str:
        """The way to it, as text that JSON can hold."""
        return "/".join(map(printable, self.parts))


@dataclass(slots=True)
class Walk:
    """A walk through a folder and those in it, names in order, and what it has passed by."""

    stop: Stop
    everything: bool = False
    """Whether to enter folders of installed packages and caches, too; ``.git`` and ``.loopengt`` never."""
    deepest: int = DEEPEST
    """How many levels down to go; 1: the folder itself only."""
    left_out: list[str] = field(default_factory=list)
    """Folders that were not entered for what they are."""
    cut: list[str] = field(default_factory=list)
    """What was not looked at for there is too much of it, in words."""
    _seen: int = 0

    def notes(self) -> list[str]:
        """Say what was left out."""
        more = " …" if len(self.left_out) > _SHOWN else ""
        notes = [f"left out: {', '.join(self.left_out[:_SHOWN])}{more}"] if self.left_out else []
        return [*notes, *self.cut[:_SHOWN]]

    def through(self, folder: int, above: tuple[str, ...] = ()) -> Iterator[Found]:
        """Yield the entries of an open folder, and behind each folder its own."""
        for name, kind in self._entries(folder, above):
            found = Found(name, folder, (*above, name), kind)
            if kind == "folder" and self._is_left_out(found):
                continue
            yield found
            if kind == "folder" and len(found.parts) < self.deepest:
                yield from self._into(found)

    def _into(self, found: Found) -> Iterator[Found]:
        if len(found.parts) >= DEEPEST:
            self.cut.append(f"{found.path[:200]} is nested too deeply")
            return
        with _opened(found) as folder:
            if folder is None:
                self.cut.append(f"{found.path} cannot be read")
                return
            yield from self.through(folder, found.parts)

    def _entries(self, folder: int, above: tuple[str, ...]) -> list[tuple[str, str]]:
        count = 0

        def counted() -> Iterator[tuple[str, str]]:
            nonlocal count
            with os.scandir(folder) as entries:
                for entry in entries:
                    count += 1
                    if count % 1_000 == 0:
                        self.stop.check()
                    yield entry.name, _kind(entry)

        self.stop.check()
        left = max(0, _MOST_SEEN - self._seen)
        names = nsmallest(min(_MOST_IN_FOLDER, left), counted())
        self._seen += len(names)
        if len(names) < count:
            where = "/".join(map(printable, above)) or "the folder"
            self.cut.append(f"{where} has {count:,} entries, of which {len(names):,} were looked at")
        return names

    def _is_left_out(self, found: Found) -> bool:
        if not is_kept_out(found.name) and (self.everything or found.name not in GENERATED):
            return False
        self.left_out.append(f"{found.path}/")
        return True


@contextmanager
def _opened(found: Found) -> Iterator[int | None]:
    try:
        folder = open_child(found.folder, found.name)
    except OSError:  # gone, swapped for a link, or closed to us
        yield None
        return
    try:
        yield folder
    finally:
        os.close(folder)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_symlink():
            return "link"
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if entry.is_file(follow_symlinks=False) else "special"
    except OSError:
        return "special"
