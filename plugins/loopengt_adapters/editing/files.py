"""Rewrites files of other programs: whole or not at all, and never over what somebody else has just written."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import stat
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt import ConfigError
from loopengt_adapters.editing.replacing import remove, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LARGEST", "locked", "read", "refuse_unwritable", "rewrite"]

LARGEST = 32 << 20
"""Bytes that a file may have, so that a mistake does not cost minutes."""

_ATTEMPTS = 2
_LOCK_SECONDS = 10.0
_EMPTY_SECONDS = 0.5
_ASK_OWNER = "check who owns it and its folder"


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
            raise ConfigError(f"{path} is a link to nowhere", remedy=f"remove it: {_rm(path)}") from None
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def rewrite(path: Path, change: Callable[[bytes | None], bytes | None]) -> None:
    """Replace the content of a file by what is made of it.

    The new file takes the old one's place in one step, with its mode and owner; a link is followed to its target.
    What another program writes meanwhile is never lost: all is done once more, with that.

    Args:
        path: The file; it need not exist.
        change: Gets its bytes, None when there is no file, and returns the new ones; None: the file is removed.
            May be called twice.

    Raises:
        ConfigError: The file or its folder cannot be written, or somebody else writes it all the time.
    """
    try:
        for _ in range(_ATTEMPTS):
            before = _settled(path)
            after = change(before)
            if after == before:
                return
            refuse_unwritable(path)
            target = path.resolve()
            if before is not None and after is None:
                done = remove(target, before)
            else:
                done = replace(target, before, after or b"")
            if done:
                return
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", remedy=_ASK_OWNER) from error
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


def refuse_unwritable(path: Path) -> None:
    """Refuse what its owner has made read-only, a file or the folder that it is in; renaming would not mind.

    Raises:
        ConfigError: It, or its folder, is read-only.
    """
    target = path.resolve()
    folder = next((parent for parent in target.parents if parent.exists()), target.parent)
    for place in (target, folder):
        if place.exists() and (not os.access(place, os.W_OK) or not place.stat().st_mode & 0o222):
            what = path if place == target else f"{path} cannot be written: its folder {place}"
            raise ConfigError(
                f"{what} is read-only", remedy=f"make it writable: chmod u+w {shlex.quote(str(place))}"
            )


def _settled(path: Path) -> bytes | None:
    """Read a file; one that has just become empty later: a program that writes in place empties it first."""
    found = read(path)
    begun = time.monotonic()
    while found == b"" and time.monotonic() - begun < _EMPTY_SECONDS and _is_new(path):
        time.sleep(0.02)
        found = read(path)
    return found


def _is_new(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _EMPTY_SECONDS
    except FileNotFoundError:
        return True


def _unreadable(path: Path, error: OSError) -> ConfigError:
    """Say why a file cannot be read, and what to do about it."""
    if error.errno == errno.ELOOP:
        link = next((each for each in (path, *path.parents) if each.is_symlink()), path)
        return ConfigError(f"{link} is a link that leads back to itself", remedy=f"remove it: {_rm(link)}")
    if error.errno == errno.ENOTDIR:
        place = next((each for each in path.parents if each.exists() and not each.is_dir()), path.parent)
        return ConfigError(f"{place} is not a folder", remedy="look what it is, and move it away")
    return ConfigError(f"{path} cannot be read: {error.strerror}", remedy=_ASK_OWNER)


def _rm(path: Path) -> str:
    return f"rm {shlex.quote(str(path))}"
