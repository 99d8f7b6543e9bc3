"""Tells clients that listen which resources have changed, at most a few times a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated

if TYPE_CHECKING:
    from mcp.server.subscriptions import SubscriptionBus

__all__ = ["News", "run_uri"]

_QUIET_SECONDS = 0.1
"""Within this time, changes of one resource are told once."""


def run_uri(run_id: str) -> str:
    """Return the URI of a run's trace."""
    return f"trace://run/{quote(run_id, safe='')}"


class News:
    """Gathers what has changed, and publishes it in a task of its own.

    Args:
        bus: Where clients listen.
    """

    def __init__(self, bus: SubscriptionBus) -> None:
        self._bus = bus
        self._changed: dict[str, None] = {}
        self._lists = False
        self._task: asyncio.Task[None] | None = None

    def of_run(self, run_id: str) -> None:
        """A run has gone on."""
        self._note(run_uri(run_id))

    def of_runs(self) -> None:
        """There is a new run, or one has come to rest."""
        self._note("runs://list")

    def of_loops(self, uri: str) -> None:
        """A loop was written."""
        self._lists = True
        self._note(uri)
        self._note("loop://list")

    def _note(self, uri: str) -> None:
        self._changed[uri] = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._publish(), name="loopengt mcp news")

    async def _publish(self) -> None:
        while self._changed or self._lists:
            changed, self._changed = self._changed, {}
            lists, self._lists = self._lists, False
            if lists:
                await self._bus.publish(ResourcesListChanged())
            for uri in changed:
                await self._bus.publish(ResourceUpdated(uri=uri))
            await asyncio.sleep(_QUIET_SECONDS)

    async def close(self) -> None:
        """Publish what is left, and end."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        for uri in self._changed:
            await self._bus.publish(ResourceUpdated(uri=uri))
        self._changed = {}
