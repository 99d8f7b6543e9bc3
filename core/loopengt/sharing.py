"""Opens a storage for its first user and closes it after its last."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from loopengt.errors import StorageError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Lock
    from collections.abc import AsyncIterator, Awaitable, Callable

    from loopengt_hookspecs.storage import Storage

__all__ = ["SharedStorage"]


class SharedStorage:
    """A storage that many users of one event loop share while it is open.

    Args:
        storage: The storage.
        before_closing: Awaited before it is closed: what else was opened beside it goes first.
    """

    def __init__(self, storage: Storage, before_closing: Callable[[], Awaitable[None]]) -> None:
        self._storage = storage
        self._before_closing = before_closing
        self._users = 0
        self._open = False
        self._loop: AbstractEventLoop | None = None
        self._lock: Lock | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Storage]:
        """Yield the open storage.

        Raises:
            StorageError: It cannot be opened.
            RuntimeError: It is open in another event loop.
        """
        lock = self._lock_of_this_loop()
        self._users += 1
        try:
            async with lock:
                if not self._open:
                    await self._storage.open()
                    self._open = True
            yield self._storage
        finally:
            self._users -= 1
            if not self._users:
                async with lock:
                    # Another user may have come while this one waited for the lock.
                    if self._open and not self._users:
                        self._open = False
                        try:
                            await self._before_closing()
                        finally:
                            await self._storage.close()

    def opened(self) -> Storage:
        """Return the storage while somebody has it open.

        Raises:
            StorageError: Nobody has.
        """
        if not self._open:
            raise StorageError("the storage is not open", remedy="use it inside: async with kernel.storage()")
        return self._storage

    def _lock_of_this_loop(self) -> Lock:
        import asyncio

        loop = asyncio.get_running_loop()
        if self._lock is None or self._loop is not loop:
            if self._users:
                raise RuntimeError(
                    "the storage is in use by another event loop; give each loop its own Kernel"
                )
            self._loop, self._lock = loop, asyncio.Lock()
        return self._lock
