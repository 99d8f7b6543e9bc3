"""Rewrites files of other programs: whole or not at all, and never over what somebody else has just written."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LARGEST", "locked", "read", "rewrite"]

LARGEST = 32 << 20
"""Bytes that a file may have, so that a mistake does not cost minutes."""

_ATTEMPTS = 2
_LOCK_SECONDS = 10.0


def read(path: Path) -> bytes | None:
    """Return the bytes of a file, None when there is none.

    Raises:
        ConfigError: It cannot be read, is no regular file, or is too large.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is not a regular file", remedy="look what it is, and move it away")
        if found.st_size > LARGEST:
            raise ConfigError(
                f"{path} has {found.st_size >> 20} MB, more than the {LARGEST >> 20} MB that are edited",
                remedy="add loopengt by hand, as docs/adapters.md shows",
            )
        return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(f"{path} is a link to nowhere", remedy=f"remove it: rm {path}") from None
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def rewrite(path: Path, change: Callable[[bytes | None], bytes | None]) -> None:
    """Replace the content of a file by what is made of it.

    The new file takes the old one's place in one step, with its mode and owner; a link is followed to its target.
    When the file has changed meanwhile, all is done once more.

    Args:
        path: The file; it need not exist.
        change: Gets its bytes, None when there is no file, and returns the new ones; None: the file is removed.
            May be called twice.

    Raises:
        ConfigError: The file or its folder cannot be written, or somebody else writes it all the time.
    """
    try:
        for _ in range(_ATTEMPTS):
            before = read(path)
            after = change(before)
            if after == before:
                return
            target = path.resolve()
            _refuse_read_only(path, target)
            if after is None:
                if read(path) == before:
                    target.unlink()
                    return
            elif _replace(path, target, before, after):
                return
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", remedy="check who owns it and its folder"
        ) from error
    raise ConfigError(
        f"{path} was changed by another program twice while it was being edited; it is untouched",
        remedy="close the tool, or try again",
    )


@contextmanager
def locked() -> Iterator[None]:
    """Let one process of this user at a time edit files of tools.

    Raises:
        ConfigError: Another one is at it for longer than ten seconds, or the lock cannot be made.
    """
    from loopengt.consent import state_file

    place = state_file(os.environ).with_name("adapters.lock")
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"{place} cannot be made: {error.strerror}", remedy="set XDG_STATE_HOME") from error
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                raise ConfigError("another loopengt is installing an adapter", remedy="wait for it to end")
            time.sleep(0.05)
        yield
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse_read_only(path: Path, target: Path) -> None:
    """Refuse a file that its owner has made read-only; the renaming would not mind."""
    if target.exists() and (not os.access(target, os.W_OK) or not target.stat().st_mode & 0o222):
        raise ConfigError(f"{path} is read-only", remedy=f"make it writable: chmod u+w {target}")


def _replace(path: Path, target: Path, before: bytes | None, after: bytes) -> bool:
    """Put new bytes in place of the old; False: the file has changed meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".loopengt-new", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as draft:
            _take_over(draft.fileno(), target)
            draft.write(after)
            draft.flush()
            os.fsync(draft.fileno())
        if read(path) != before:
            return False
        os.replace(name, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def _take_over(draft: int, target: Path) -> None:
    """Give the new file mode and owner of the old one; a new one gets what any new file of this user gets."""
    try:
        old = target.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(draft, 0o666 & ~mask)
        return
    with suppress(PermissionError):  # only root gives files away; the group may be another's, too
        os.fchown(draft, old.st_uid, old.st_gid)
    os.fchmod(draft, stat.S_IMODE(old.st_mode))
