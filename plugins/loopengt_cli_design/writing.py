"""Writes the files of a project without ever losing one that is there."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from loopengt import LoopengtError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Writer"]


class Writer:
    """Writes files below one folder.

    Args:
        root: The folder; made, with those above it, when the first file is written.
        force: Whether a file that is there with another content is replaced; it is kept as a backup.
        say: Told in one line what was done, for each file.
    """

    def __init__(self, root: Path, *, force: bool, say: Callable[[str], None]) -> None:
        self._root = root
        self._force = force
        self._say = say

    def folder(self, name: str) -> None:
        """Make a folder.

        Raises:
            UsageError: A file is in its place.
            LoopengtError: It may not be made.
        """
        path = self._inside(name)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(
                f"{path} cannot be made: a file is in its place", remedy="move it away"
            ) from error
        except OSError as error:
            raise LoopengtError(f"{path} cannot be made: {error.strerror}") from error

    def file(self, name: str, text: str) -> bool:
        """Write a file, and return whether it now has this text.

        Args:
            name: Path below the root, with ``/``.
            text: Its content.

        Raises:
            UsageError: The name leads out of the root, or a folder is in the file's place.
            LoopengtError: It may not be written.
        """
        path = self._inside(name)
        self.folder(str(PurePosixPath(name).parent))
        try:
            return self._write(path, name, text)
        except IsADirectoryError as error:
            raise UsageError(f"{path} is a folder, not a file", remedy="move it away") from error
        except OSError as error:
            raise LoopengtError(f"{path} cannot be written: {error.strerror}") from error

    def _write(self, path: Path, name: str, text: str) -> bool:
        content = text.encode()
        if path.exists() or path.is_symlink():
            if path.exists() and path.read_bytes() == content:
                self._say(f"unchanged  {name}")
                return True
            if not self._force:
                self._say(f"kept       {name}, which was there before; --force replaces it")
                return False
            backup = next(free for free in _backups(path) if not free.exists() and not free.is_symlink())
            path.rename(backup)
            name += f"; the old one is {backup.name}"
        # Exclusively: what another program has put here in the meantime is not overwritten either.
        with path.open("xb") as file:
            file.write(content)
        self._say(f"wrote      {name}")
        return True

    def _inside(self, name: str) -> Path:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name:
            raise UsageError(f"the file {name!r} is not inside the folder {self._root}")
        return self._root / pure


def _backups(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.bak")
    number = 2
    while True:
        yield path.with_name(f"{path.name}.bak{number}")
        number += 1
