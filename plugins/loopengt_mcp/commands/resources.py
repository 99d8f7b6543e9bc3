"""The command ``loopengt mcp resources``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_mcp.commands.connecting import (
    as_json,
    connected,
    echo_json,
    find,
    in_loop,
    print_rows,
    spec_option,
)

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_mcp.client.servers import Server

__all__ = ["resources"]


@click.command("resources")
@click.argument("server")
@as_json
@spec_option
@pass_kernel
def resources(kernel: Kernel, server: str, as_json: bool, spec: Path | None) -> None:
    """Show the resources of SERVER, and the templates of others' URIs."""
    wanted = find(kernel, server, spec)
    found = in_loop(lambda: _resources(kernel, wanted))
    if as_json:
        echo_json(found)
    elif found:
        rows = [{**each, "uri": each.get("uri") or each.get("uri_template")} for each in found]
        print_rows(("URI", "NAME", "MIME_TYPE", "DESCRIPTION"), rows)
    else:
        click.echo(f"{server} has no resources.", err=True)


async def _resources(kernel: Kernel, server: Server) -> list[dict[str, Any]]:
    from loopengt_mcp.client.reading import list_resources

    async with connected(kernel, server) as peer:
        if (await peer.connection()).client.server_capabilities.resources is None:
            return []
        return await list_resources(peer)
