"""Makes the folder that the database lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.project import make_state_folder
from loopengt_storage_sqlite.failures import from_os

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_folder"]


def make_folder(folder: Path) -> None:
    """Create a folder and those above it; a new ``.loopengt`` gets a ``.gitignore``.

    Raises:
        StorageReadOnly, StorageFull, StorageError: It cannot be made.
    """
    try:
        make_state_folder(folder)
    except OSError as error:
        raise from_os(error, folder) from error
