"""Lets what tools have open for a folder go as soon as no run works in it any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_local.calling.toolbox import ToolBox

__all__ = ["FoldersInUse"]


class FoldersInUse:
    """Counts the runs that work in a folder: a run and its child runs share one."""

    def __init__(self) -> None:
        self._users: dict[Path, int] = {}
        self._toolboxes: dict[Path, list[ToolBox]] = {}

    @asynccontextmanager
    async def use(self, workspace: Path, toolbox: ToolBox) -> AsyncIterator[None]:
        """Within this context a run works in a folder."""
        self._users[workspace] = self._users.get(workspace, 0) + 1
        known = self._toolboxes.setdefault(workspace, [])
        if toolbox.tools and all(toolbox is not other for other in known):
            known.append(toolbox)
        try:
            yield
        finally:
            self._users[workspace] -= 1
            if not self._users[workspace]:
                del self._users[workspace]
                for used in self._toolboxes.pop(workspace):
                    await used.release(workspace)
