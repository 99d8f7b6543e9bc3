"""Keeps the leases of this process's runs alive and brings in their signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt_hookspecs.errors import StorageError

if TYPE_CHECKING:
    from loopengt_hookspecs.storage import Lease, Storage

__all__ = ["LeaseKeeper"]


@dataclass(frozen=True, slots=True)
class _Held:
    lease: Lease
    on_lost: Callable[[], None]
    on_signal: Callable[[dict[str, Any]], None]
    on_poll: Callable[[], None] | None


class LeaseKeeper:
    """One task that renews all leases of an engine, while there are any.

    Args:
        storage: Where the leases are kept.
        ttl: Seconds that a renewal is good for.
        interval: Seconds between renewals.
    """

    def __init__(self, storage: Storage, ttl: float, interval: float) -> None:
        self._storage = storage
        self._ttl = ttl
        self._interval = min(interval, ttl / 3)
        self._held: dict[str, _Held] = {}
        self._task: asyncio.Task[None] | None = None

    def hold(
        self,
        lease: Lease,
        on_lost: Callable[[], None],
        on_signal: Callable[[dict[str, Any]], None],
        on_poll: Callable[[], None] | None = None,
    ) -> None:
        """Keep a lease alive until ``drop``.

        Args:
            lease: The lease.
            on_lost: Called when another process has taken the run over.
            on_signal: Called with each signal for the run.
            on_poll: Called before each renewal, for what does not come as a signal.
        """
        self._held[lease.run_id] = _Held(lease, on_lost, on_signal, on_poll)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._renew(), name="loopengt leases")

    def drop(self, run_id: str) -> None:
        """Let a lease be; the last one ends the task."""
        self._held.pop(run_id, None)
        if not self._held and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            for held in tuple(self._held.values()):
                if held.on_poll is not None:
                    held.on_poll()
            leases = [held.lease for held in self._held.values()]
            try:
                renewal = await self._storage.renew(leases, self._ttl)
            except StorageError as exc:
                # The next append says the same, aloud; until then another renewal may succeed.
                get_logger("loopengt.local").warning("leases could not be renewed", error=str(exc))
                continue
            for lease in renewal.lost:
                lost = self._held.pop(lease.run_id, None)
                if lost is not None:
                    lost.on_lost()
            for run_id, signal in renewal.signals:
                driven = self._held.get(run_id)
                if driven is not None:
                    driven.on_signal(signal)
