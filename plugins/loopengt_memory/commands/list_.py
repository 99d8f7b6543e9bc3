"""The command ``loopengt memory list``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_memory.commands.opening import opened, pairs, pairs_option, which

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import MemoryEntry

__all__ = ["list_"]


@click.command("list")
@which
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Only the newest N.")
@pairs_option("--filter", "Only entries with this metadata; any number of times.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_kernel
def list_(
    kernel: Kernel, scope: str | None, name: str, limit: int, given: tuple[str, ...], as_json: bool
) -> None:
    """List the entries that were added last, newest first."""
    import asyncio

    from loopengt_memory.commands.showing import show

    found, total = asyncio.run(_newest(kernel, scope, name, limit, pairs(given)))
    show(found, as_json=as_json, scores=False)
    if not as_json:
        click.echo(f"{len(found)} of {total} entries." if total else "Nothing is remembered here.", err=True)


async def _newest(
    kernel: Kernel, scope: str | None, name: str, limit: int, wanted: dict[str, Any]
) -> tuple[list[MemoryEntry], int]:
    async with opened(kernel, scope, name) as memory:
        return await memory.recent(top_k=limit, metadata_filter=wanted), await memory.count()
