"""What the suites of ``MemoryContract`` share: making stores, and what was found in short."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from loopengt_hookspecs.models import MemoryScope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from loopengt_hookspecs.memory import Memory, MemoryStore
    from loopengt_hookspecs.models import MemoryEntry

__all__ = ["MemorySuite", "contents", "project", "rule"]

TIMEOUT = 60.0
"""Seconds after which a hanging store fails its test."""


class MemorySuite(ABC):
    """Base of the suites: how to make the store under test."""

    persistent: bool = True
    """Whether another store made on the same folder has the same entries, also after ``close``."""

    @abstractmethod
    def make(self, folder: Path) -> MemoryStore:
        """Return a new store, without an embedder, that keeps all it has below ``folder``, which may not exist."""


Suite = TypeVar("Suite", bound=MemorySuite)


def rule(body: Callable[[Suite, MemoryStore, Path], Awaitable[None]]) -> Callable[[Suite, Path], None]:
    """Turn ``async def test_x(self, store, folder)`` into a plain pytest method with its own event loop."""

    def test(self: Suite, tmp_path: Path) -> None:
        async def main() -> None:
            folder = tmp_path / "memory"
            store = self.make(folder)
            try:
                async with asyncio.timeout(TIMEOUT):
                    await body(self, store, folder)
            finally:
                await store.close()

        asyncio.run(main())

    # Not functools.wraps: pytest would look through it at the arguments of the body.
    test.__name__ = getattr(body, "__name__", "test")
    test.__doc__ = body.__doc__
    return test


def project(store: MemoryStore) -> Memory:
    """Return the project's memory."""
    return store.memory(MemoryScope.PROJECT)


def contents(entries: Sequence[MemoryEntry]) -> list[str]:
    """Return the texts of entries."""
    return [entry.content for entry in entries]
