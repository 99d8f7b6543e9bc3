"""Replaces a file of the workspace in one go, for one call at a time."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4
from weakref import WeakValueDictionary

from loopengt_hookspecs.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_tools.confined import Place
    from loopengt_tools.stop import Stop

__all__ = ["alone", "replace_file", "writable"]


class _PathLock:
    """A lock that can be weakly referenced."""

    __slots__ = ("__weakref__", "lock")

    def __init__(self) -> None:
        self.lock = Lock()


_locks: WeakValueDictionary[tuple[int, int, str], _PathLock] = WeakValueDictionary()
_locks_lock = Lock()


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Wait until no other call of this process writes to the place, and keep others waiting."""
    folder = os.fstat(place.folder)
    with _locks_lock:
        mine = _locks.setdefault((folder.st_dev, folder.st_ino, place.name), _PathLock())
    with mine.lock:
        yield


def writable(place: Place) -> os.stat_result | None:
    """Return the file that is at the place; None: nothing is.

    Raises:
        ToolError: Something else than a file is there, or the file may only be read.
    """
    found = place.look()
    if found is None:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise ToolError(f"{place.shown} is not a file, so it cannot be written")
    if not found.st_mode & 0o222:
        raise ToolError(f"{place.shown} is read-only")
    return found


def replace_file(place: Place, data: bytes, before: os.stat_result | None, stop: Stop) -> None:
    """Put a file with these bytes at the place: others see the old one or the new one, never a part.

    Its permissions stay; those of a new one are the usual ones. What else was a hard link to it keeps the old bytes.

    Args:
        place: Where.
        data: All its bytes.
        before: What was there when the bytes were made; None: nothing.
        stop: Asked just before the file takes its place.

    Raises:
        ToolError: Something has changed the file since.
        OSError: It cannot be written.
    """
    temporary = f".loopengt-{uuid4().hex}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(temporary, flags, 0o666, dir_fd=place.folder)
    try:
        with os.fdopen(file, "wb") as opened:
            if before is not None:
                os.fchmod(file, stat.S_IMODE(before.st_mode) & 0o777)
            opened.write(data)
            opened.flush()
            os.fsync(file)
        if _mark(writable(place)) != _mark(before):
            raise ToolError(
                f"{place.shown} was changed by something else in the meantime, and is left as it is",
                remedy="Read it again, then write.",
            )
        stop.check()
        os.rename(temporary, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=place.folder)
        raise


def _mark(found: os.stat_result | None) -> tuple[int, ...]:
    return () if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)
