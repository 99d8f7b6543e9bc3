"""The command ``loopengt plugins``."""

from __future__ import annotations

import click

from loopengt.cli.groups import LazyGroup

_HERE = "loopengt_cli_plugins"


@click.group(
    cls=LazyGroup,
    parts={
        "allow": f"{_HERE}.consenting:allow",
        "check": f"{_HERE}.checking.command:check",
        "disable": f"{_HERE}.switching:disable",
        "disallow": f"{_HERE}.consenting:disallow",
        "enable": f"{_HERE}.switching:enable",
        "info": f"{_HERE}.info:info",
        "install": f"{_HERE}.installing.command:install",
        "list": f"{_HERE}.listing:list_plugins",
        "new": f"{_HERE}.creating.command:new",
        "test": f"{_HERE}.suites.command:test",
        "uninstall": f"{_HERE}.installing.removing:uninstall",
    },
)
def plugins() -> None:
    """Show plugins, switch them, install them, and write your own."""
