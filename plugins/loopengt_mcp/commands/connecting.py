"""Connects a command to a server, for as long as the command takes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from loopengt.display import one_line, visible

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.models import McpServer
    from loopengt_mcp.client.peer import Peer
    from loopengt_mcp.client.servers import Server

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

__all__ = [
    "as_json",
    "connected",
    "declared",
    "echo_json",
    "echo_text",
    "find",
    "in_loop",
    "print_rows",
    "spec_option",
]


def spec_option(command: F) -> F:
    """Let a command take ``--spec``, whose servers it then knows, too."""
    return click.option(
        "--spec",
        type=click.Path(exists=True, path_type=Path),
        metavar="SPEC",
        help="Also the servers of this loop.yaml.",
    )(command)


def as_json(command: F) -> F:
    """Let a command take ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def declared(kernel: Kernel, spec: Path | None) -> dict[str, tuple[McpServer, str]]:
    """Return the declared servers by name, each with where it is declared.

    Raises:
        ConfigError: The config is not usable.
        SpecError: The spec has problems.
    """
    options = kernel.plugin_options("mcp")
    found = {
        name: (settings, kernel.config.source("plugins", "mcp", "servers", name))
        for name, settings in options.servers.items()
    }
    if spec is not None:
        loaded = kernel.load_spec(spec)
        found |= {name: (settings, str(spec)) for name, settings in loaded.spec.mcp_servers.items()}
    return dict(sorted(found.items()))


def find(kernel: Kernel, name: str, spec: Path | None) -> Server:
    """Return a server.

    Raises:
        UsageError: None of that name is declared; the message names the nearest.
    """
    from loopengt_mcp.client.servers import find_server

    known = {each: settings for each, (settings, _) in declared(kernel, spec).items()}
    return find_server(name, known, kernel.project)


@asynccontextmanager
async def connected(kernel: Kernel, server: Server) -> AsyncIterator[Peer]:
    """Connect to a server; the project stands for the workspace.

    Raises:
        AgentError: It cannot be reached.
    """
    from loopengt_mcp.client.peer import Peer

    peer = Peer(server, kernel.project, kernel.plugin_options("mcp"))
    try:
        await peer.connection()
        yield peer
    finally:
        await peer.close()


def in_loop(work: Callable[[], Awaitable[T]]) -> T:
    """Do asynchronous work in a loop of its own."""

    async def run() -> T:
        return await work()

    return asyncio.run(run())


def echo_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def echo_text(text: str) -> None:
    """Print a server's text: as it is into a pipe or a file, without what would steer it on a terminal."""
    click.echo(visible(text, keep="\n\t") if sys.stdout.isatty() else text)


def print_rows(headings: Sequence[str], rows: Sequence[Mapping[str, Any]], width: int = 100) -> None:
    """Print an aligned table; the cells are the values of the headings in lower case."""
    cells = [[one_line(row.get(heading.lower()) or "-", width) for heading in headings] for row in rows]
    lines = [list(headings), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)).rstrip())
