"""Commands with subcommands, each of which is imported when it is called."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group whose subcommands are named by where they are: ``@click.group(cls=LazyGroup, parts={…})``.

    Args:
        parts: ``"module:attribute"`` of each subcommand, by its name.
    """

    def __init__(self, *args: Any, parts: Mapping[str, str], **attrs: Any) -> None:
        super().__init__(*args, **attrs)
        self._parts = parts

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return sorted(self._parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        where = self._parts.get(cmd_name)
        command: click.Command | None = None if where is None else resolve_name(where)
        return command
