"""The command ``loopengt adapter``, whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from loopengt.cli.groups import LazyGroup

__all__ = ["adapter"]


_PARTS = {
    "bind-session": "loopengt_adapters.commands.sessions:bind_session",
    "install": "loopengt_adapters.commands.install:install",
    "list": "loopengt_adapters.commands.list_:list_",
    "status": "loopengt_adapters.commands.status:status",
    "stop-gate": "loopengt_adapters.commands.stop_gate:stop_gate",
    "unbind-session": "loopengt_adapters.commands.sessions:unbind_session",
    "uninstall": "loopengt_adapters.commands.install:uninstall",
}


@click.group("adapter", cls=LazyGroup, parts=_PARTS, invoke_without_command=True)
@click.pass_context
def adapter(ctx: click.Context) -> None:
    """Put loopengt into Claude Code, Cursor, Codex and other tools, and take it out again."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
