"""The memory storage keeps the rules of storages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.testing.storage import StorageContract
from loopengt_storage_memory.storage import MemoryStorage

if TYPE_CHECKING:
    from pathlib import Path


class TestMemoryStorage(StorageContract):
    """Every rule, except those on what outlives ``close``."""

    persistent = False

    def make(self, folder: Path) -> MemoryStorage:
        """Return an empty storage; it has no use for a folder."""
        return MemoryStorage()
