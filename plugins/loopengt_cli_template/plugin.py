"""Registers the command ``template``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register ``template``."""
    register("template", "loopengt_cli_template.group:template", summary="Make loops from templates")
