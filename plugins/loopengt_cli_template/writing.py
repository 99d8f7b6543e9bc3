"""Writes several files whole or not at all, and never over one that is there unless asked to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import LoopengtError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["write_files"]


def write_files(root: Path, files: Mapping[str, str], *, force: bool) -> list[str]:
    """Write files below a folder, which is made when it is not there.

    Args:
        root: The folder.
        files: Relative path with ``/`` to text.
        force: Whether one that is there with another content is replaced; it is kept as ``FILE.bak``.

    Returns:
        What was done, one line each.

    Raises:
        UsageError: One is there, or something else is in its place; nothing was written then.
        LoopengtError: One cannot be written; those before it were taken away again.
    """
    taken = [name for name, text in files.items() if _is_taken(root / name, text)]
    if taken and not force:
        raise UsageError(
            "\n".join(f"{root / name} is there already" for name in taken),
            remedy="--force replaces it and keeps the old one as a backup; -o names another place.",
        )
    drafts: dict[str, Path] = {}
    written: list[Path] = []
    try:
        for name, text in files.items():
            drafts[name] = _draft(root / name, text)
        said = []
        for name, text in files.items():
            path = root / name
            if path.is_file() and not path.is_symlink() and path.read_bytes() == text.encode():
                said.append(f"unchanged  {name}")
                continue
            backup = _set_aside(path) if name in taken else None
            _put(drafts[name], path, replace=name in taken)
            if backup is None:
                written.append(path)
            said.append(f"wrote      {name}" + (f"; the old one is {backup.name}" if backup else ""))
    except OSError as exc:
        for path in written:
            with suppress(OSError):
                path.unlink()
        if isinstance(exc, FileExistsError | NotADirectoryError):
            what = exc.filename2 or exc.filename
            raise UsageError(
                f"{what} is there already, or a file is in the place of a folder", remedy="Move it away."
            ) from exc
        raise LoopengtError(f"{exc.filename or root} cannot be written: {exc.strerror}") from exc
    finally:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink()
    return said


def _is_taken(path: Path, text: str) -> bool:
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a file", remedy="Move it away; -o names another place.")
    if not path.is_symlink() and not path.exists():
        return False
    try:
        return path.is_symlink() or path.read_bytes() != text.encode()
    except OSError:
        return True


def _draft(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with draft.open("xb") as file:
        file.write(text.encode())
    return draft


def _put(draft: Path, path: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(path)
        return
    # A link is made only where nothing is: what another program has put here meanwhile is not overwritten.
    os.link(draft, path)


def _set_aside(path: Path) -> Path:
    for backup in _backups(path):
        try:
            # The old file stays in its place until the new one takes it, whatever happens in between.
            os.link(path, backup, follow_symlinks=False)
        except FileExistsError:
            continue
        return backup
    raise AssertionError("there is always another name")


def _backups(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.bak")
    number = 2
    while True:
        yield path.with_name(f"{path.name}.bak{number}")
        number += 1
