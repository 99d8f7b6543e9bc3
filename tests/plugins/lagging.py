"""A storage that takes its time, in rounds of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopengt_hookspecs.storage import Batch, Storage

__all__ = ["LaggingStorage"]


class LaggingStorage:
    """Passes everything on to another storage, giving way to the event loop a few times before and after."""

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self._next = 0

    async def _lag(self) -> None:
        self._next = (self._next * 5 + 3) % 7  # 3, 4, 2, 6, 5, 0, 3 …
        for _ in range(self._next):
            await asyncio.sleep(0)

    async def append(self, *args: Any, **kwargs: Any) -> None:
        """Append; as with a real storage, what was asked for first is done first."""
        await self.inner.append(*args, **kwargs)
        await self._lag()

    async def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Read, slowly."""
        async for batch in self.inner.read(run_id, after):
            await self._lag()
            yield batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
