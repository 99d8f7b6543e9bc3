"""A command: ``loopengt gates`` lists the kinds of gates, with what they check."""

import click

from loopengt import Kernel
from loopengt.cli import pass_kernel
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.registration import Register


@click.command()
@click.option("--containing", metavar="TEXT", default="", help="Only kinds whose name contains it.")
@pass_kernel
def gates(kernel: Kernel, containing: str) -> None:
    """List the kinds of gates."""
    for name, summary in kernel.names("gates").items():
        if containing in name:
            click.echo(f"{name}: {summary}")


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    register("gates", gates, summary="List the kinds of gates")
