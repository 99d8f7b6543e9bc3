"""Registers the commands ``validate``, ``schema`` and ``doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register the commands."""
    register("doctor", "loopengt_cli_project.doctor:doctor", summary="Check this machine and this project")
    register("schema", "loopengt_cli_project.schema:schema", summary="Print the JSON Schema of loop.yaml")
    register("validate", "loopengt_cli_project.validate:validate", summary="Say all that is wrong with specs")
