"""Keeps the specs of runs as blobs."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from loopengt.archive.unreferenced import GRACE

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Components
    from loopengt_local.children.subloops import LoopTree

__all__ = ["SpecStore"]


class SpecStore:
    """Stores each spec once, also when many runs start at a time.

    Args:
        components: Gives the opened storage.
    """

    def __init__(self, components: Components) -> None:
        self._components = components
        self._stored: dict[str, tuple[float, asyncio.Task[str]]] = {}

    async def store(self, digest: str, raw: bytes) -> None:
        """Store a spec; after a while anew, since `runs prune` may remove it."""
        at, storing = self._stored.get(digest, (0.0, None))
        failed = storing and storing.done() and (storing.cancelled() or storing.exception() is not None)
        if storing is None or failed or monotonic() - at > GRACE / 2:
            storing = asyncio.create_task(self._put(raw))
            self._stored[digest] = (monotonic(), storing)
        if not storing.done():
            await asyncio.shield(storing)
        storing.result()

    async def store_tree(self, tree: LoopTree) -> None:
        """Store the specs of sub-loops."""
        for digest, raw in tree.blobs().items():
            await self.store(digest, raw)

    async def _put(self, data: bytes) -> str:
        return await self._components.opened_storage().put_blob(data)
