"""The command ``loopengt memory add``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_memory.commands.opening import opened, pairs, pairs_option, which

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["add"]


@click.command("add")
@click.argument("text")
@which
@click.option("--id", "entry_id", metavar="ID", help="Id of the entry, which replaces one that has it.")
@pairs_option("--metadata", "What a search can filter by; any number of times.")
@pass_kernel
def add(
    kernel: Kernel, text: str, scope: str | None, name: str, entry_id: str | None, given: tuple[str, ...]
) -> None:
    """Remember TEXT, or with - what comes from standard input. Prints the entry's id."""
    import asyncio

    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        raise click.UsageError("There is no text to remember.")
    click.echo(asyncio.run(_added(kernel, text, scope, name, entry_id, pairs(given))))


async def _added(
    kernel: Kernel, text: str, scope: str | None, name: str, entry_id: str | None, metadata: dict[str, Any]
) -> str:
    async with opened(kernel, scope, name) as memory:
        return await memory.add(text, entry_id=entry_id, metadata=metadata)
