"""The command ``loopengt memory remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_memory.commands.opening import opened, which

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel

__all__ = ["remove"]


@click.command("remove")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@which
@pass_kernel
def remove(kernel: Kernel, ids: tuple[str, ...], scope: str | None, name: str) -> None:
    """Forget entries. ID is a whole id, as `memory list --json` shows it."""
    import asyncio

    from loopengt.errors import UsageError

    unknown = asyncio.run(_removed(kernel, ids, scope, name))
    if unknown:
        raise UsageError(
            f"no entry has the id {', '.join(map(repr, unknown))}",
            remedy="See `loopengt memory list --json`, with --scope and --name where it is not the project's.",
        )


async def _removed(kernel: Kernel, ids: Sequence[str], scope: str | None, name: str) -> list[str]:
    async with opened(kernel, scope, name) as memory:
        unknown = []
        for entry_id in ids:
            if await memory.remove(entry_id):
                click.echo(f"Removed {entry_id}.")
            else:
                unknown.append(entry_id)
        return unknown
