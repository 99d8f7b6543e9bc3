"""Replaces files of a project all together or not at all, also when the process dies in between."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from loopengt_hookspecs.errors import LoopengtError
from loopengt_local.workspaces.contents import Entry, find_entries
from loopengt_local.workspaces.removing import remove_folder
from loopengt_local.workspaces.writing import remove_file

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

__all__ = ["Change", "Replacement", "in_the_way"]


class Change(NamedTuple):
    """A file of the project that is put in place, or deleted."""

    path: bytes
    """Path below the project."""
    before: Entry | None
    """What stands there now; None: nothing."""
    put: bool
    """Whether a file is put there; it lies ready in ``Replacement.new``."""


class Replacement:
    """One replacement of files, with a folder that has all it takes to go on with it or to undo it.

    ``prepare`` copies what would be lost and writes down what is to be done; only then does ``apply`` touch the
    project. After a crash, a new ``Replacement`` of the same folder finds out how far the first has come.

    Args:
        project: The project folder.
        scratch: A folder on the same file system as the project.
    """

    def __init__(self, project: Path, scratch: Path) -> None:
        self._root = os.fsencode(project)
        self._plan = scratch / "plan.json"
        self._old = os.path.join(os.fsencode(scratch), b"old")
        self.new = scratch / "new"
        """Where the files to put lie, each under its path."""
        self.scratch = scratch

    def prepare(self, changes: Sequence[Change], facts: dict[str, Any]) -> None:
        """Make ready to apply changes.

        Args:
            changes: The changes; ``new`` has the files to put.
            facts: What ``plan`` is to tell of, JSON data.

        Raises:
            OSError: A file cannot be copied.
        """
        listed: list[dict[str, Any]] = []
        for change in sorted(changes, key=lambda change: change.put):  # deletions make room
            if change.before is not None:
                _copy(self._place(change.path), self._saved(change.path))
            put = self._ready(change) if change.put else None
            listed.append({"path": os.fsdecode(change.path), "saved": change.before is not None, "put": put})
        self._states = {change.path: change.before for change in changes}
        plan = facts | {"changes": listed, "made": self._folders_to_make(changes)}
        part = self._plan.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(plan, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._plan)

    def _ready(self, change: Change) -> list[int]:
        """Give a file to put the permissions of the one it replaces, and return what it is known by."""
        place = self._prepared(change.path)
        found = os.lstat(place)
        if change.before is not None and stat.S_ISREG(change.before.state[4]) and stat.S_ISREG(found.st_mode):
            mode = stat.S_IMODE(change.before.state[4])
            if bool(found.st_mode & 0o100) != (change.before.mode == b"100755"):
                mode = mode & ~0o111 if mode & 0o100 else mode | (mode & 0o444) >> 2
            os.chmod(place, mode)
        return [found.st_size, found.st_mtime_ns]

    def _folders_to_make(self, changes: Sequence[Change]) -> list[str]:
        found: dict[str, None] = {}
        for change in changes:
            parts = change.path.split(b"/")[:-1] if change.put else []
            for depth in range(1, len(parts) + 1):
                folder = b"/".join(parts[:depth])
                if not os.path.isdir(self._place(folder)):
                    found[os.fsdecode(folder)] = None
        return list(found)

    def plan(self) -> dict[str, Any] | None:
        """Return what was written down; None: the project was not touched."""
        try:
            found: dict[str, Any] = json.loads(self._plan.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def apply(self) -> None:
        """Replace and delete the files.

        Raises:
            LoopengtError: A file of the project was changed meanwhile.
            OSError: A file cannot be replaced.
        """
        plan = self.plan()
        assert plan is not None
        for item in plan["changes"]:
            path = os.fsencode(item["path"])
            now = find_entries(Path(os.fsdecode(self._root)), [path]).get(path)
            before = self._states[path]
            if (now and now.state) != (before and before.state):
                raise LoopengtError(f"{item['path']} was changed while it was merged", remedy="Try again.")
            if item["put"] is None:
                remove_file(self._root, path)
            else:
                os.makedirs(os.path.dirname(self._place(path)), exist_ok=True)
                _move(self._prepared(path), self._place(path))

    def is_complete(self) -> bool:
        """Whether every change was applied."""
        plan = self.plan()
        return plan is not None and not any(
            os.path.lexists(self._place(path) if item["put"] is None else self._prepared(path))
            for item in plan["changes"]
            for path in (os.fsencode(item["path"]),)
        )

    def roll_back(self) -> None:
        """Undo what was applied; a file that was changed by others since is left alone.

        Raises:
            OSError: A file cannot be put back; it can be tried again.
        """
        plan = self.plan()
        for item in reversed(plan["changes"] if plan else []):
            path = os.fsencode(item["path"])
            place, saved = self._place(path), self._saved(path)
            if item["put"] is None:
                if not os.path.lexists(place) and os.path.lexists(saved):
                    os.makedirs(os.path.dirname(place), exist_ok=True)
                    _move(saved, place)
            elif not os.path.lexists(self._prepared(path)) and _known_by(place) == item["put"]:
                if not item["saved"]:
                    os.unlink(place)
                elif os.path.lexists(saved):
                    _move(saved, place)
        for folder in sorted(plan["made"] if plan else [], reverse=True):
            with suppress(OSError):
                os.rmdir(self._place(os.fsencode(folder)))

    def clear(self) -> None:
        """Forget it: remove the folder, what was written down first."""
        self._plan.unlink(missing_ok=True)
        remove_folder(self.scratch)

    def _place(self, path: bytes) -> bytes:
        return os.path.join(self._root, path)

    def _saved(self, path: bytes) -> bytes:
        return os.path.join(self._old, path)

    def _prepared(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self.new), path)


def in_the_way(project: Path, path: bytes, going: Container[bytes]) -> bool:
    """Whether a file or link stands where a folder above a path must be, unless it is ``going`` itself."""
    parts = path.split(b"/")[:-1]
    for depth in range(1, len(parts) + 1):
        above = b"/".join(parts[:depth])
        place = os.path.join(os.fsencode(project), above)
        if os.path.islink(place) or (os.path.lexists(place) and not os.path.isdir(place)):
            return above not in going
    return False


def _known_by(place: bytes) -> list[int] | None:
    try:
        found = os.lstat(place)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _copy(source: bytes, target: bytes) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _move(source: bytes, target: bytes) -> None:
    """Put a file in the place of another, in one go."""
    try:
        os.replace(source, target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        part = os.path.join(os.path.dirname(target), b".%d.loopengt-part" % os.getpid())
        shutil.copy2(source, part, follow_symlinks=False)
        os.replace(part, target)
        os.unlink(source)
