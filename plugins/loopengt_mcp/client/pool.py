"""The open connections of a kernel, by event loop, server and workspace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from loopengt_mcp.client.peer import Peer

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_mcp.client.servers import Server
    from loopengt_mcp.options import McpOptions

__all__ = ["Pool"]


@dataclass(slots=True)
class _Held:
    peer: Peer
    users: set[Path] = field(default_factory=set)
    """Workspaces whose runs use it."""


class Pool:
    """Hands out peers: one for all who may share it.

    Args:
        options: The limits.
    """

    def __init__(self, options: McpOptions) -> None:
        self._options = options
        self._held: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, Path | None], _Held]] = (
            WeakKeyDictionary()
        )

    def peer(self, server: Server, workspace: Path) -> Peer:
        """Return the peer for the runs in a workspace; nothing is connected yet."""
        own = None if server.settings.shared else workspace
        peers = self._held.setdefault(asyncio.get_running_loop(), {})
        held = peers.setdefault((server.key, own), _Held(Peer(server, own, self._options)))
        held.users.add(workspace)
        return held.peer

    async def release(self, server: Server, workspace: Path) -> None:
        """No run works in that workspace any more: close what only they have used."""
        peers = self._held.get(asyncio.get_running_loop(), {})
        own = None if server.settings.shared else workspace
        held = peers.get((server.key, own))
        if held is None:
            return
        held.users.discard(workspace)
        if not held.users:
            del peers[server.key, own]
            await held.peer.close()
