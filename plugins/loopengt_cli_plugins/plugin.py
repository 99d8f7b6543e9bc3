"""Registers the command ``plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register ``plugins``."""
    register("plugins", "loopengt_cli_plugins.group:plugins", summary="Show plugins, enable and disable them")
