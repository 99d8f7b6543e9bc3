"""The jsonl storage keeps the rules of storages, at either durability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.testing.storage import StorageContract
from loopengt_storage_jsonl.storage import JsonlStorage

if TYPE_CHECKING:
    from pathlib import Path


class TestFullDurability(StorageContract):
    """Every rule, with every append on the disk."""

    def make(self, folder: Path) -> JsonlStorage:
        """Return a storage whose appends wait for the disk."""
        return JsonlStorage(folder)


class TestNormalDurability(StorageContract):
    """Every rule, with appends left to the operating system."""

    def make(self, folder: Path) -> JsonlStorage:
        """Return a storage whose appends do not wait for the disk."""
        return JsonlStorage(folder, durability="normal")
