"""The command ``loopengt plugins``."""

from __future__ import annotations

import click

from loopengt_cli_plugins.consenting import allow, disallow
from loopengt_cli_plugins.info import info
from loopengt_cli_plugins.listing import list_plugins
from loopengt_cli_plugins.switching import disable, enable


@click.group()
def plugins() -> None:
    """Show plugins, enable and disable them."""


for command in (list_plugins, info, enable, disable, allow, disallow):
    plugins.add_command(command)
