"""The command ``loopengt adapter list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_adapters.commands.common import as_json, echo_json

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["list_"]


@click.command("list")
@as_json
@pass_kernel
def list_(kernel: Kernel, as_json: bool) -> None:
    """List the tools that loopengt can be put into."""
    names = kernel.names("adapters")
    if as_json:
        rows = [
            {"name": name, "summary": summary, "plugin": kernel.component("adapters", name).plugin}
            for name, summary in names.items()
        ]
        return echo_json(rows)
    width = max(map(len, names), default=0)
    for name, summary in names.items():
        click.echo(f"{name.ljust(width)}  {summary}")
    click.echo("Next: loopengt adapter install NAME", err=True)
    return None
