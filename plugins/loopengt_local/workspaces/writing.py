"""Writes files of a repository's objects into a folder, each in one go."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from loopengt_hookspecs.errors import LoopengtError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Objects", "remove_file", "write_file", "write_tree"]

_CHUNK = 1 << 20
_PART = b".loopengt-part"
"""End of the names of files that are being written."""


class Objects:
    """Reads contents from a repository, with one process of git for all."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input: IO[bytes] = process.stdin
        self._output: IO[bytes] = process.stdout

    @classmethod
    @contextmanager
    def opened(cls, repository: Path) -> Iterator[Objects]:
        """Open the objects of a repository."""
        from loopengt_local.workspaces.git import start_git

        with start_git(repository, "cat-file", "--batch") as process:
            yield cls(process)
            assert process.stdin is not None
            process.stdin.close()

    def chunks(self, digest: bytes) -> Iterator[bytes]:
        """Yield an object's content; it must be read to its end.

        Raises:
            LoopengtError: There is no such object.
        """
        self._input.write(digest + b"\n")
        self._input.flush()
        header = self._output.readline().split()
        if len(header) != 3:
            raise LoopengtError(
                f"the repository lacks the object {digest.decode()}", remedy="See `git fsck` there."
            )
        left = int(header[2])
        while left:
            chunk = self._output.read(min(left, _CHUNK))
            if not chunk:
                raise LoopengtError(f"git ended in the middle of object {digest.decode()}")
            left -= len(chunk)
            yield chunk
        self._output.read(1)


def write_tree(
    source: Path, target: Path, *, delete: Sequence[bytes], write: Mapping[bytes, tuple[bytes, bytes]]
) -> None:
    """Delete files of a folder and write others.

    Args:
        source: The repository that has the contents.
        target: The folder.
        delete: Paths below the folder.
        write: Mode and object of each file to write, by its path below the folder.

    Raises:
        OSError: A file cannot be written.
        LoopengtError: A path leads out of the folder, or an object is missing.
    """
    root = os.fsencode(target)
    for path in delete:
        remove_file(root, path)
    with Objects.opened(source) as objects:
        for path, (mode, digest) in write.items():
            write_file(root, path, mode, objects.chunks(digest))


def write_file(root: bytes, path: bytes, mode: bytes, chunks: Iterable[bytes]) -> None:
    """Write a file, or a link, in one go; what stands in its place or in that of the folders above is replaced.

    Args:
        root: The folder.
        path: Path below it.
        mode: ``100644``, ``100755`` or ``120000``.
        chunks: The content.

    Raises:
        OSError: It cannot be written.
        LoopengtError: The path leads out of the folder.
    """
    if any(part in (b"", b".", b"..", b".git") for part in path.split(b"/")):
        raise LoopengtError(f"the saved files have a name that is none: {os.fsdecode(path)}")
    _make_folders(root, path)
    place = os.path.join(root, path)
    part = os.path.join(os.path.dirname(place), b".%d%s" % (os.getpid(), _PART))
    with suppress(FileNotFoundError):
        os.unlink(part)
    if mode == b"120000":
        os.symlink(b"".join(chunks), part)
    else:
        permissions = 0o777 if mode == b"100755" else 0o666
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, permissions)
        with open(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
    try:
        os.replace(part, place)
    except OSError:
        os.unlink(part)
        raise


def _make_folders(root: bytes, path: bytes) -> None:
    """Make the folders above a file; a link or file in their place is removed, so that nothing is written elsewhere."""
    folder = root
    for name in path.split(b"/")[:-1]:
        folder = os.path.join(folder, name)
        if os.path.islink(folder) or os.path.isfile(folder):
            os.unlink(folder)
        with suppress(FileExistsError):
            os.mkdir(folder)


def remove_file(root: bytes, path: bytes) -> None:
    """Delete a file, and the folders above it that become empty by that."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(os.path.join(root, path))
    folder = os.path.dirname(path)
    while folder:
        try:
            os.rmdir(os.path.join(root, folder))
        except OSError:
            return
        folder = os.path.dirname(folder)
