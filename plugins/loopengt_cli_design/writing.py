"""Writes files into a project without losing one that is there."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from loopengt import LoopengtError, UsageError
from loopengt.project import STATE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Record", "Writer"]


class Record:
    """Knows which files of a project are still as they were last written by a command.

    Args:
        project: The project folder; the record is a file in its ``.loopengt``, which git ignores.
    """

    FILE: Final = "written.json"

    def __init__(self, project: Path) -> None:
        self._project = project.resolve()
        self._file = self._project / STATE_FOLDER / self.FILE

    def is_untouched(self, path: Path) -> bool:
        """Whether nobody has changed the file since it was written."""
        known = self._read().get(self._key(path))
        with suppress(OSError):
            return known is not None and not path.is_symlink() and known == _digest(path.read_bytes())
        return False

    def note(self, path: Path, content: bytes) -> None:
        """Remember what was written. What cannot be noted counts as touched, and is then never replaced unasked."""
        if not self._file.parent.is_dir() or not path.resolve().is_relative_to(self._project):
            return
        known = self._read() | {self._key(path): _digest(content)}
        with suppress(OSError):
            _replace(self._file, (json.dumps(known, indent=2, sort_keys=True) + "\n").encode())

    def _key(self, path: Path) -> str:
        return Path(os.path.relpath(path.resolve(), self._project)).as_posix()

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}


class Writer:
    """Writes files below one folder.

    Args:
        root: The folder; made, with those above it, when the first file is written.
        force: Whether a file that is there with another content is replaced; it is kept as a backup.
        say: Told in one line what was done, for each file.
        record: Notes what is written.
        renew: Whether a file that nobody has changed since it was noted is replaced without a backup.
    """

    def __init__(
        self,
        root: Path,
        *,
        force: bool,
        say: Callable[[str], object],
        record: Record | None = None,
        renew: bool = False,
    ) -> None:
        self._root = root
        self._force = force
        self._say = say
        self._record = record
        self._renew = renew

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

    def keeps(self, name: str, text: str | None = None) -> bool:
        """Whether ``file`` would leave what is there as it is, since it may not be replaced.

        Args:
            name: As for ``file``.
            text: The content to be written; None: any other than what is there.
        """
        path = self._inside(name)
        if self._force or not (path.exists() or path.is_symlink()):
            return False
        if text is not None and path.is_file() and path.read_bytes() == text.encode():
            return False
        return not self._may_renew(path)

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
            has_text, said = self._write(path, name, text.encode())
        except IsADirectoryError as error:
            raise UsageError(f"{path} is a folder, not a file", remedy="move it away") from error
        except OSError as error:
            raise LoopengtError(f"{path} cannot be written: {error.strerror}") from error
        self._say(said)
        return has_text

    def _write(self, path: Path, name: str, content: bytes) -> tuple[bool, str]:
        if path.exists() or path.is_symlink():
            if path.exists() and path.read_bytes() == content:
                return True, f"unchanged  {name}"
            if self._may_renew(path):
                _replace(path, content)
                self._note(path, content)
                return True, f"replaced   {name}, which nobody had changed"
            if not self._force:
                return False, f"kept       {name}, which was there before; --force replaces it"
            backup = next(free for free in _backups(path) if not free.exists() and not free.is_symlink())
            path.rename(backup)
            name += f"; the old one is {backup.name}"
        # Exclusively: what another program has put here in the meantime is not overwritten either.
        with path.open("xb") as file:
            file.write(content)
        self._note(path, content)
        return True, f"wrote      {name}"

    def _may_renew(self, path: Path) -> bool:
        return self._renew and self._record is not None and self._record.is_untouched(path)

    def _note(self, path: Path, content: bytes) -> None:
        if self._record is not None:
            self._record.note(path, content)

    def _inside(self, name: str) -> Path:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name:
            raise UsageError(f"the file {name!r} is not inside the folder {self._root}")
        return self._root / pure


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _backups(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.bak")
    number = 2
    while True:
        yield path.with_name(f"{path.name}.bak{number}")
        number += 1
