"""The command ``loopengt mcp prompts``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_mcp.commands.connecting import as_json, connected, echo_json, find, in_loop, spec_option

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_mcp.client.servers import Server

__all__ = ["prompts"]


@click.command("prompts")
@click.argument("server")
@as_json
@spec_option
@pass_kernel
def prompts(kernel: Kernel, server: str, as_json: bool, spec: Path | None) -> None:
    """Show the prompts of SERVER and what they ask for."""
    from loopengt.display import first_line, visible

    wanted = find(kernel, server, spec)
    found = in_loop(lambda: _prompts(kernel, wanted))
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo(f"{server} has no prompts.", err=True)
    for each in found:
        names = [one["name"] if one["required"] else f"[{one['name']}]" for one in each["arguments"]]
        click.echo(visible(" ".join([each["name"], *names])))
        if each.get("description"):
            click.echo(f"    {first_line(each['description'], 200)}")


async def _prompts(kernel: Kernel, server: Server) -> list[dict[str, Any]]:
    from loopengt_mcp.client.reading import list_prompts

    async with connected(kernel, server) as peer:
        if (await peer.connection()).client.server_capabilities.prompts is None:
            return []
        return await list_prompts(peer)
