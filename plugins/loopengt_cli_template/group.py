"""The command ``loopengt template``, whose subcommands are imported when they are called."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TemplateGroup", "template"]


class TemplateGroup(click.Group):
    """The command ``template``: shows its help when it is called without a subcommand."""

    parts: ClassVar[Mapping[str, str]] = {
        "create": "loopengt_cli_template.create:create",
        "list": "loopengt_cli_template.listing:list_",
        "show": "loopengt_cli_template.show:show",
        "use": "loopengt_cli_template.use:use",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return sorted(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        where = self.parts.get(cmd_name)
        command: click.Command | None = None if where is None else resolve_name(where)
        return command


@click.group("template", cls=TemplateGroup, invoke_without_command=True)
@click.pass_context
def template(ctx: click.Context) -> None:
    """Make loops from templates, and templates from loops that worked."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
