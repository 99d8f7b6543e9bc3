"""Files that are locked against other processes, and written whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from loopengt_hookspecs.storage import StorageError, StorageFull, StorageReadOnly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["append_whole", "locked", "remove_drafts", "replace_file", "storage_error", "sync_folder"]

LOCK_SECONDS = 10.0
"""How long to wait for another process to finish its append. One that takes longer has been stopped."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_BARRIER = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone leaves data in the drive's cache.


def storage_error(error: OSError, folder: Path) -> StorageError:
    """Say what an error of the operating system means for the storage in ``folder``."""
    place = error.filename or folder
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return StorageFull(
            f"The run storage cannot write {place}: {reason}.",
            remedy=f"Free space, or raise the quota, on the disk of {folder}; what is stored stays readable.",
        )
    if error.errno in _READ_ONLY:
        return StorageReadOnly(
            f"The run storage may not write or read {place}: {reason}.",
            remedy=f"Give this user the right to write, for example: chmod -R u+rwX '{folder}'",
        )
    return StorageError(
        f"The run storage failed at {place}: {reason}.", remedy="Look for the cause with: loopengt doctor"
    )


@contextmanager
def locked(path: Path, *, create: bool = False, write: bool = True) -> Iterator[int]:
    """Open a file and hold its lock; yields the file descriptor.

    Args:
        path: The file.
        create: Create it when it is missing.
        write: Take the lock that only one may hold; else the one that all readers may share.

    Raises:
        FileNotFoundError: It is missing, or was removed while its lock was awaited.
        StorageError: Another process holds the lock for longer than any append takes.
    """
    flags = (os.O_RDWR | os.O_APPEND if write else os.O_RDONLY) | os.O_CLOEXEC
    descriptor = os.open(path, flags | (os.O_CREAT if create else 0), 0o666)
    try:
        _lock(descriptor, path, fcntl.LOCK_EX if write else fcntl.LOCK_SH)
        # A deleted run's file lives on for whoever has it open; what is written there is lost.
        if not os.path.samestat(os.fstat(descriptor), os.stat(path)):
            raise FileNotFoundError(errno.ENOENT, "it was deleted just now", str(path))
        yield descriptor
    finally:
        os.close(descriptor)  # This also gives the lock back.


def _lock(descriptor: int, path: Path, kind: int) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StorageError(
                    f"Another process has kept {path} locked for {LOCK_SECONDS:.0f} seconds.",
                    remedy=f"It may be suspended; see which it is and continue or end it: fuser -v '{path}'",
                ) from None
            time.sleep(0.002)


def append_whole(descriptor: int, end: int, data: bytes, *, sync: bool) -> None:
    """Append bytes to a locked file that ends at ``end``; after an error it ends there as before."""
    try:
        _write(descriptor, data)
        if sync:
            _sync(descriptor)
    except OSError:
        # Should this fail as well, half a line stays, and whoever writes next cuts it off.
        with suppress(OSError):
            os.ftruncate(descriptor, end)
        raise


def replace_file(path: Path, data: bytes, *, sync: bool) -> None:
    """Put a file in place at once: readers see the old content or the new one, never a part."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            _write(descriptor, data)
            if sync:
                _sync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise
    if sync:
        sync_folder(path.parent)


def remove_drafts(folder: Path, until: float, *, dry_run: bool) -> int:
    """Remove the drafts that processes killed while they wrote have left; return the bytes they had.

    Args:
        folder: Where to look, with all folders in it.
        until: Only drafts that were written no later, in seconds since the epoch.
        dry_run: Only count.
    """
    freed = 0
    for draft in folder.rglob("*.tmp"):
        with suppress(FileNotFoundError):
            told = draft.stat()
            if told.st_mtime <= until:
                if not dry_run:
                    draft.unlink()
                freed += told.st_size
    return freed


def sync_folder(folder: Path) -> None:
    """Make the names of new files in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(descriptor: int) -> None:
    if _BARRIER is not None:
        fcntl.fcntl(descriptor, _BARRIER)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)
