"""The command ``loopengt mcp``, whose subcommands are imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt.cli.groups import LazyGroup

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["mcp"]


_PARTS = {
    "allow": "loopengt_mcp.commands.allow:allow",
    "call": "loopengt_mcp.commands.call:call",
    "prompts": "loopengt_mcp.commands.prompts:prompts",
    "read": "loopengt_mcp.commands.read:read",
    "resources": "loopengt_mcp.commands.resources:resources",
    "servers": "loopengt_mcp.commands.servers:servers",
    "tools": "loopengt_mcp.commands.tools:tools",
}


@click.group("mcp", cls=LazyGroup, parts=_PARTS, invoke_without_command=True)
@click.option(
    "--transport",
    type=click.Choice(["stdio", "streamable-http", "sse"]),
    default="stdio",
    show_default=True,
    help="How clients reach the server; sse is the old name of streamable-http.",
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: a free one.")
@click.option(
    "--token",
    envvar="LOOPENGT_MCP_TOKEN",
    metavar="TOKEN",
    help="Bearer token that clients bring; default: one is made and shown. Better in LOOPENGT_MCP_TOKEN or a file.",
)
@click.option(
    "--token-file", type=click.Path(path_type=Path), metavar="FILE", help="File that holds the token alone."
)
@click.option("--allow-host", "names", multiple=True, metavar="NAME",
              help="A further name under which clients may reach it.")  # fmt: skip
@click.pass_context
@pass_kernel
def mcp(
    kernel: Kernel,
    ctx: click.Context,
    transport: str,
    host: str,
    port: int,
    token: str | None,
    token_file: Path | None,
    names: tuple[str, ...],
) -> None:
    """Serve this project to an IDE or another MCP client; with a command, try other MCP servers by hand.

    The IDE starts `loopengt mcp` itself, and speaks with it on stdin and stdout. When it leaves, runs under way are
    paused.
    """
    if ctx.invoked_subcommand is None:
        from loopengt_mcp.commands.serve import serve

        serve(
            kernel,
            transport=transport,
            host=host,
            port=port,
            token=token,
            token_file=token_file,
            names=names,
        )
