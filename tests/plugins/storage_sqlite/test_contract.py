"""The rules for storages, held by ``sqlite`` at both durabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.testing.storage import StorageContract
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    from pathlib import Path


class TestFull(StorageContract):
    """Durability ``full``."""

    def make(self, folder: Path) -> SqliteStorage:
        """Return a storage on a database below the folder."""
        return SqliteStorage(folder / "loopengt.db")


class TestNormal(StorageContract):
    """Durability ``normal``."""

    def make(self, folder: Path) -> SqliteStorage:
        """Return a storage on a database below the folder."""
        return SqliteStorage(folder / "loopengt.db", durability="normal")
