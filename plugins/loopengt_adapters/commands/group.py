"""The command ``loopengt adapter``, whose subcommands are imported when they are called."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AdapterGroup", "adapter"]


class AdapterGroup(click.Group):
    """The command ``adapter``: shows its help when it is called without a subcommand."""

    parts: ClassVar[Mapping[str, str]] = {
        "bind-session": "loopengt_adapters.commands.sessions:bind_session",
        "install": "loopengt_adapters.commands.install:install",
        "list": "loopengt_adapters.commands.list_:list_",
        "status": "loopengt_adapters.commands.status:status",
        "stop-gate": "loopengt_adapters.commands.stop_gate:stop_gate",
        "unbind-session": "loopengt_adapters.commands.sessions:unbind_session",
        "uninstall": "loopengt_adapters.commands.install:uninstall",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return sorted(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        where = self.parts.get(cmd_name)
        command: click.Command | None = None if where is None else resolve_name(where)
        return command


@click.group("adapter", cls=AdapterGroup, invoke_without_command=True)
@click.pass_context
def adapter(ctx: click.Context) -> None:
    """Put loopengt into Claude Code, Cursor, Codex and other tools, and take it out again."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
