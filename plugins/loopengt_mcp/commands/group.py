"""The command ``loopengt mcp``, whose subcommands are imported when they are called."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["McpGroup", "mcp"]


class McpGroup(click.Group):
    """The command ``mcp``: shows its help when it is called without a subcommand."""

    parts: ClassVar[Mapping[str, str]] = {
        "call": "loopengt_mcp.commands.call:call",
        "prompts": "loopengt_mcp.commands.prompts:prompts",
        "read": "loopengt_mcp.commands.read:read",
        "resources": "loopengt_mcp.commands.resources:resources",
        "servers": "loopengt_mcp.commands.servers:servers",
        "tools": "loopengt_mcp.commands.tools:tools",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return sorted(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        where = self.parts.get(cmd_name)
        command: click.Command | None = None if where is None else resolve_name(where)
        return command


@click.group("mcp", cls=McpGroup, invoke_without_command=True)
@click.pass_context
def mcp(ctx: click.Context) -> None:
    """Try MCP servers by hand: what they offer, and what a call returns."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
