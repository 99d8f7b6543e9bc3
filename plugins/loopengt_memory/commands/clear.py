"""The command ``loopengt memory clear``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_memory.commands.opening import opened, which

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["clear"]


@click.command("clear")
@which
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_kernel
def clear(kernel: Kernel, scope: str | None, name: str, yes: bool) -> None:
    """Forget all entries of one memory, for good."""
    import asyncio

    click.echo(asyncio.run(_cleared(kernel, scope, name, yes)))


async def _cleared(kernel: Kernel, scope: str | None, name: str, yes: bool) -> str:
    async with opened(kernel, scope, name) as memory:
        number = await memory.count()
        if not number:
            return "Nothing is remembered here."
        what = "1 entry" if number == 1 else f"{number} entries"
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("Nothing was removed: there is no terminal to ask on. Add --yes.")
            click.confirm(f"Forget {what}?", abort=True, err=True)
        return f"Forgot {await memory.clear()} of {number} entries."
