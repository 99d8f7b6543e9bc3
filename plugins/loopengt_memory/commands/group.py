"""The command ``loopengt memory``, whose subcommands are imported when they are called."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MemoryGroup", "memory"]


class MemoryGroup(click.Group):
    """A group that imports a subcommand when it is called."""

    parts: ClassVar[Mapping[str, str]] = {
        "add": "loopengt_memory.commands.add:add",
        "clear": "loopengt_memory.commands.clear:clear",
        "list": "loopengt_memory.commands.list_:list_",
        "remove": "loopengt_memory.commands.remove:remove",
        "search": "loopengt_memory.commands.search:search",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return sorted(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        where = self.parts.get(cmd_name)
        command: click.Command | None = None if where is None else resolve_name(where)
        return command


@click.group("memory", cls=MemoryGroup)
def memory() -> None:
    """Search and tidy up what runs remember.

    There is a memory for the whole project, one for each loop (all its runs) and one for each run.
    """
