"""The command ``loopengt mcp tools``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_mcp.commands.connecting import as_json, connected, echo_json, find, in_loop, spec_option

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_mcp.client.servers import Server

__all__ = ["tools"]


@click.command("tools")
@click.argument("server")
@as_json
@spec_option
@pass_kernel
def tools(kernel: Kernel, server: str, as_json: bool, spec: Path | None) -> None:
    """Show the tools of SERVER and what they take."""
    from loopengt.display import first_line, visible

    wanted = find(kernel, server, spec)
    found = in_loop(lambda: _tools(kernel, wanted))
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo(f"{server} has no tools.", err=True)
    for each in found:
        taken = " ".join(_parameters(each["input_schema"]))
        click.echo(f"{visible(each['name'])} {visible(taken)}".rstrip())
        if each["description"]:
            click.echo(f"    {first_line(each['description'], 200)}")


async def _tools(kernel: Kernel, server: Server) -> list[dict[str, Any]]:
    from loopengt_mcp.client.offering import effects

    async with connected(kernel, server) as peer:
        return [
            {
                "name": tool.name,
                "description": tool.description or tool.title or "",
                "input_schema": tool.input_schema,
                "output_schema": tool.output_schema,
                "effects": effects(tool).value,
            }
            for tool in await peer.tools()
        ]


def _parameters(schema: dict[str, Any]) -> list[str]:
    """Write what a tool takes: ``name=string``, and what may be left out in brackets."""
    required = schema.get("required") or []
    properties = schema.get("properties")
    written = []
    for name, part in (properties if isinstance(properties, dict) else {}).items():
        kind = part.get("type") if isinstance(part, dict) else None
        shown = f"{name}={kind if isinstance(kind, str) else 'any'}"
        written.append(shown if name in required else f"[{shown}]")
    return written
