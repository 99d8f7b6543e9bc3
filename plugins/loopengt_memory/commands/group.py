"""The command ``loopengt memory``, whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from loopengt.cli.groups import LazyGroup

__all__ = ["memory"]


_PARTS = {
    "add": "loopengt_memory.commands.add:add",
    "clear": "loopengt_memory.commands.clear:clear",
    "list": "loopengt_memory.commands.list_:list_",
    "remove": "loopengt_memory.commands.remove:remove",
    "search": "loopengt_memory.commands.search:search",
}


@click.group("memory", cls=LazyGroup, parts=_PARTS)
def memory() -> None:
    """Search and tidy up what runs remember.

    There is a memory for the whole project, one for each loop (all its runs) and one for each run.
    """
