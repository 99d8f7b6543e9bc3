"""The command ``loopengt template``, whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from loopengt.cli.groups import LazyGroup

__all__ = ["template"]


_PARTS = {
    "create": "loopengt_cli_template.create:create",
    "list": "loopengt_cli_template.listing:list_",
    "show": "loopengt_cli_template.show:show",
    "use": "loopengt_cli_template.use:use",
}


@click.group("template", cls=LazyGroup, parts=_PARTS, invoke_without_command=True)
@click.pass_context
def template(ctx: click.Context) -> None:
    """Make loops from templates, and templates from loops that worked."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
