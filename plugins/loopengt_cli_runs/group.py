"""A command that does something by itself and has subcommands, each imported when it is called."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RunsGroup"]


class RunsGroup(click.Group):
    """The command ``runs``: lists when it is called without a subcommand."""

    parts: ClassVar[Mapping[str, str]] = {
        "delete": "loopengt_cli_runs.delete:delete",
        "export": "loopengt_cli_runs.export:export",
        "import": "loopengt_cli_runs.import_:import_",
        "prune": "loopengt_cli_runs.prune:prune",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return sorted(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        where = self.parts.get(cmd_name)
        command: click.Command | None = None if where is None else resolve_name(where)
        return command
