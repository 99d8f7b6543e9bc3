"""Puts a file in another's place, and gives it back when somebody has written the other meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["remove", "replace"]

_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM)
_SWAP = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
_CWD = -100
_MOST_SWAPS = 100


def replace(target: Path, before: bytes | None, after: bytes) -> bool:
    """Put new bytes in place of the old, with the old one's mode and owner.

    Args:
        target: The file itself, not a link to it.
        before: What it holds; None: there is none.
        after: What it is to hold.

    Returns:
        False: it held something else in the last moment, and is as others have left it.

    Raises:
        OSError: It cannot be written; then it is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".loopengt-new", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as draft:
            _take_over(draft.fileno(), target)
            draft.write(after)
            draft.flush()
            os.fsync(draft.fileno())
        if _content(target) != before:
            return False
        done = _make(name, target) if before is None else _exchange(name, target, before)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)
    if done:
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return done


def remove(target: Path, before: bytes) -> bool:
    """Remove a file; False: it held something else in the last moment, and is as others have left it."""
    gone = target.with_name(f".{target.name}.{os.getpid()}.loopengt-new")
    os.replace(target, gone)
    try:
        if _content(gone) == before:
            return True
        if not _make(str(gone), target):
            return False  # somebody has made it anew, and that is newer
    finally:
        gone.unlink(missing_ok=True)
    return False


def _make(draft: str, target: Path) -> bool:
    """Take a place where no file is; False: one is there by now."""
    try:
        os.link(draft, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if target.exists():
            return False
        os.replace(draft, target)
    return True


def _exchange(draft: str, target: Path, before: bytes) -> bool:
    """Swap the files, and swap them back when it was not the old one that came out."""
    mine = os.stat(draft).st_ino
    if not _swapped(draft, target):
        return _renamed(draft, target, before)
    if _content(draft) == before:
        return True
    for _ in range(_MOST_SWAPS):
        theirs = os.stat(draft).st_ino
        _swapped(draft, target)
        if os.stat(draft).st_ino == mine:
            break
        _swapped(draft, target)  # they had replaced ours by then: the newest has to stand
        if os.stat(draft).st_ino == theirs:
            break
    return False


def _renamed(draft: str, target: Path, before: bytes) -> bool:
    """Do it where files cannot be swapped: what is written in the last moment is seen by a link to the old file."""
    kept = f"{draft}-old"
    try:
        with suppress(OSError):
            os.link(target, kept)
        if _content(target) != before:
            return False
        os.replace(draft, target)
        if os.path.exists(kept) and _content(kept) != before:
            os.replace(kept, target)
            return False
    finally:
        with suppress(FileNotFoundError):
            os.unlink(kept)
    return True


def _swapped(one: str, other: Path) -> bool:
    """Let two files change places in one step; False: this system cannot."""
    swap = _swap()
    if swap is None:
        return False
    number = swap(os.fsencode(one), os.fsencode(other))
    if number in _NOT_HERE:
        return False
    if number:
        raise OSError(number, os.strerror(number), str(other))
    return True


@cache
def _swap() -> Callable[[bytes, bytes], int] | None:
    """Return what swaps two paths and returns an error number; None: the C library has none."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        function = getattr(library, "renamex_np", None)
    else:
        function = getattr(library, "renameat2", None)
    if function is None:
        return None

    def swap(one: bytes, other: bytes) -> int:
        words = (one, other, _SWAP) if sys.platform == "darwin" else (_CWD, one, _CWD, other, _SWAP)
        return ctypes.get_errno() if function(*words) else 0

    return swap


def _content(file: Path | str) -> bytes | None:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except FileNotFoundError:
        return None


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
