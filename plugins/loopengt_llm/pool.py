"""Keeps models open between attempts, and closes them when their event loop ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Hashable

    from loopengt_hookspecs.model_adapters import Model, ModelAdapter, ModelSettings

__all__ = ["OpenModel", "open_model"]


class OpenModel:
    """A model that is kept open."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._knows: asyncio.Task[bool] | None = None

    async def knows_schemas(self) -> bool:
        """Whether it holds its answers to a schema itself; to find that out may import its client, in a thread."""
        if self._knows is None:
            self._knows = asyncio.ensure_future(asyncio.to_thread(lambda: self.model.native_schema))
        return await asyncio.shield(self._knows)


class _Pool:
    """The models of one event loop, by whom they reach."""

    def __init__(self) -> None:
        self.models: dict[Hashable, OpenModel] = {}
        self.closer = self._until_the_loop_ends()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            opened = list(self.models.values())
            self.models.clear()
            for one in opened:
                # A connection that is broken already must not keep the others open.
                with suppress(Exception):
                    await one.model.close()


_pools: WeakKeyDictionary[Any, _Pool] = WeakKeyDictionary()


async def open_model(adapter: ModelAdapter, settings: ModelSettings) -> OpenModel:
    """Return the model of these settings, the same for every attempt in this event loop.

    ``asyncio.run`` ends the loop's asynchronous generators before it closes the loop; by one of them the connections
    are closed while that can still be awaited.

    Raises:
        MissingRequirement: A package that it needs is not installed.
    """
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = _Pool()
        await anext(pool.closer)
    key = (
        id(adapter),
        settings.provider,
        settings.model,
        settings.base_url,
        settings.api_key,
        tuple(sorted(settings.headers.items())),
        settings.timeout_seconds,
    )
    opened = pool.models.get(key)
    if opened is None:
        opened = pool.models[key] = OpenModel(adapter.model(settings))
    return opened
