"""Temporary folders that say whose they are, so that those of a process that was killed can be found."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.ownership import current_owner, is_alive
from loopengt.project import STATE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["forsaken_folders", "remove_forsaken", "temporary_folder"]

_PREFIX = "loopengt-"
_MARK = ".loopengt-owner.json"
_MOST_BYTES = 10_000
_UNMARKED_SECONDS = 3600.0


@contextmanager
def temporary_folder(place: Path) -> Iterator[Path]:
    """Make a folder that is removed at the end of the block, or by ``runs prune`` should the process be killed.

    Args:
        place: The project that it is made for, or a workspace of it.
    """
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        told = {"project": str(place), "owner": current_owner()}
        Path(name, _MARK).write_text(json.dumps(told), encoding="utf-8")
        try:
            yield Path(name)
        finally:
            _empty(Path(name))


def _empty(folder: Path) -> None:
    """Remove all but the mark: killed in the midst of it, the folder is still known as one that is forsaken."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == _MARK:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)


def forsaken_folders(project: Path) -> list[Path]:
    """Return the temporary folders of a project whose makers are gone. Others' are not looked into."""
    found: list[Path] = []
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        found = [
            Path(entry.path)
            for entry in entries
            if entry.name.startswith(_PREFIX) and _is_forsaken(entry, project)
        ]
    return sorted(found)


def remove_forsaken(folder: Path) -> None:
    """Remove what ``forsaken_folders`` has found.

    Raises:
        OSError: It cannot be removed.
    """
    shutil.rmtree(folder)


def _is_forsaken(entry: os.DirEntry[str], project: Path) -> bool:
    try:
        # The folder is everybody's: only what this user has made counts, and no link is followed.
        if not entry.is_dir(follow_symlinks=False) or entry.stat(follow_symlinks=False).st_uid != os.getuid():
            return False
        mark = os.open(
            os.path.join(entry.path, _MARK), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
        with open(mark, "rb") as file:
            raw = file.read(_MOST_BYTES)
        if not raw:
            return _is_unmarked(entry)
        told = json.loads(raw)
        place = Path(told["project"])
        # Not known to be alive is not enough: it may be in another container.
        ours = place == project or project / STATE_FOLDER in place.parents
        return ours and is_alive(told["owner"]) is False
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _is_unmarked(entry: os.DirEntry[str]) -> bool:
    """Whether a folder's maker was killed before it could say whose it is: nothing but an empty mark for an hour."""
    old = time.time() - entry.stat(follow_symlinks=False).st_mtime > _UNMARKED_SECONDS
    return old and os.listdir(entry.path) == [_MARK]
