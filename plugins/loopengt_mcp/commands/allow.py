"""The command ``loopengt mcp allow``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["allow"]


@click.command("allow")
@click.argument("spec", type=click.Path(path_type=Path))
@pass_kernel
def allow(kernel: Kernel, spec: Path) -> None:
    """Let MCP clients run the loop SPEC as it is now, with the loops below it.

    It is needed for a loop that a client has written and that executes more than models and people. Once the loop
    changes, it is needed again.
    """
    from loopengt.display import visible
    from loopengt_mcp.server.consent import Consents
    from loopengt_mcp.server.executing import executes

    kernel = kernel.for_spec(spec)
    loaded = kernel.load_spec(spec)
    digest = Consents(kernel, "ask").allow(loaded)
    for line in executes(loaded):
        click.echo(f"executes: {visible(line)}")
    click.echo(f"MCP clients may run {loaded.path} as it is now ({digest[:12]}).")
