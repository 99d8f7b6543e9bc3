"""The memory store ``sqlite``: a database, the words and the vectors of its entries, and how they are found."""

from __future__ import annotations

from loopengt_memory.store.memory import SqliteMemory
from loopengt_memory.store.store import SqliteMemoryStore

__all__ = ["SqliteMemory", "SqliteMemoryStore"]
