"""Makes the folder that the database lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_storage_sqlite.failures import from_os

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_folder"]

_GITIGNORE = """\
# What runs leave behind stays here; what people write is kept in git.
/*
!/.gitignore
!/config.toml
!/prompts/
!/templates/
"""


def make_folder(folder: Path) -> None:
    """Create a folder and those above it; a new ``.loopengt`` gets a ``.gitignore``.

    Raises:
        StorageReadOnly, StorageFull, StorageError: It cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()
        except FileExistsError:
            if not folder.is_dir():
                raise
        else:
            if folder.name == ".loopengt":
                (folder / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
    except OSError as error:
        raise from_os(error, folder) from error
