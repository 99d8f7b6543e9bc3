"""The command ``loopengt mcp read``."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_mcp.commands.connecting import (
    as_json,
    connected,
    echo_json,
    echo_text,
    find,
    in_loop,
    spec_option,
)

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_mcp.client.servers import Server

__all__ = ["read"]


@click.command("read")
@click.argument("server")
@click.argument("uri")
@as_json
@spec_option
@pass_kernel
def read(kernel: Kernel, server: str, uri: str, as_json: bool, spec: Path | None) -> None:
    """Print the resource URI of SERVER: text as it is, and other data as its bytes."""
    wanted = find(kernel, server, spec)
    found = in_loop(lambda: _read(kernel, wanted, uri))
    if as_json:
        echo_json(found)
        return
    for each in found:
        if "text" in each:
            echo_text(each["text"])
        else:
            click.echo(base64.b64decode(each["blob"]), nl=False)


async def _read(kernel: Kernel, server: Server, uri: str) -> list[dict[str, Any]]:
    from loopengt_mcp.commands.person import person

    async with connected(kernel, server) as peer:
        result = await peer.request(lambda client: client.read_resource(uri), ask=person(), repeatable=True)
        return [each.model_dump(exclude_none=True, exclude={"meta"}) for each in result.contents]
