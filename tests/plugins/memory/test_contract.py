"""The memory store ``sqlite`` keeps the rules of memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.testing.memory import MemoryContract
from loopengt_memory.store import SqliteMemoryStore

if TYPE_CHECKING:
    from pathlib import Path


class TestSqliteMemoryStore(MemoryContract):
    """Every rule."""

    def make(self, folder: Path) -> SqliteMemoryStore:
        """Return a store on a file in the folder."""
        return SqliteMemoryStore(folder / "memory.db")
