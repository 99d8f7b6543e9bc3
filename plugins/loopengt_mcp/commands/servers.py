"""The command ``loopengt mcp servers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt.display import visible
from loopengt_mcp.commands.connecting import (
    as_json,
    connected,
    declared,
    echo_json,
    find,
    in_loop,
    print_rows,
    spec_option,
)

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_mcp.client.peer import Peer
    from loopengt_mcp.client.servers import Server

__all__ = ["servers"]

HEADINGS = ("NAME", "STATE", "PROTOCOL", "TOOLS", "RESOURCES", "PROMPTS", "WHERE")


@click.command("servers")
@as_json
@spec_option
@pass_kernel
def servers(kernel: Kernel, as_json: bool, spec: Path | None) -> int:
    """Connect to every declared server, and show what it has. Exit code 1: one cannot be reached."""
    known = declared(kernel, spec)
    found = in_loop(lambda: _states(kernel, [find(kernel, name, spec) for name in known]))
    rows = [{**row, "where": known[row["name"]][1]} for row in found]
    if as_json:
        echo_json(rows)
    elif not rows:
        click.echo(
            "No MCP server is declared: add [mcp.servers.NAME] to .loopengt/config.toml, with command or url.",
            err=True,
        )
    else:
        print_rows(HEADINGS, rows)
        for row in rows:
            if row["problem"]:
                click.echo(f"\n{visible(row['problem'], keep=chr(10))}", err=True)
    return 1 if any(row["problem"] for row in rows) else 0


async def _states(kernel: Kernel, wanted: list[Server]) -> list[dict[str, Any]]:
    import asyncio

    return list(await asyncio.gather(*(_state(kernel, server) for server in wanted)))


async def _state(kernel: Kernel, server: Server) -> dict[str, Any]:
    from loopengt_hookspecs.errors import AgentError

    row: dict[str, Any] = {"name": server.name, "target": server.plan(), "shared": server.settings.shared}
    try:
        async with connected(kernel, server) as peer:
            return {**row, "state": "connected", **await _facts(peer), "problem": ""}
    except AgentError as error:
        return {**row, "state": "unreachable", "problem": str(error)}


async def _facts(peer: Peer) -> dict[str, Any]:
    from loopengt_mcp.client.reading import list_prompts, list_resources

    client = (await peer.connection()).client
    info, can = client.server_info, client.server_capabilities
    return {
        "protocol": client.protocol_version,
        "server": f"{info.name} {info.version}" if info is not None else "",
        "tools": len(await peer.tools()),
        "resources": len(await list_resources(peer)) if can.resources is not None else 0,
        "prompts": len(await list_prompts(peer)) if can.prompts is not None else 0,
    }
