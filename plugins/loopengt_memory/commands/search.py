"""The command ``loopengt memory search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_memory.commands.opening import opened, pairs, pairs_option, which

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import MemoryEntry

__all__ = ["search"]

_WEIGHTS = {"hybrid": (0.5, 0.5), "keyword": (1.0, 0.0), "vector": (0.0, 1.0)}


@click.command("search")
@click.argument("query")
@which
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Most entries.")
@click.option(
    "--mode", type=click.Choice(list(_WEIGHTS)), default="hybrid", show_default=True, help="What is compared."
)
@pairs_option("--filter", "Only entries with this metadata; any number of times.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_kernel
def search(
    kernel: Kernel,
    query: str,
    scope: str | None,
    name: str,
    top_k: int,
    mode: str,
    given: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find entries by their words and, where an embedder is configured, by nearness. Best first."""
    import asyncio

    from loopengt_memory.commands.showing import show

    if mode == "vector" and not kernel.setting("memory", "embedder"):
        raise click.UsageError("--mode vector needs an embedder: set [memory] embedder in config.toml.")
    found = asyncio.run(_found(kernel, query, scope, name, top_k, mode, pairs(given)))
    if not found and not as_json:
        click.echo("Nothing fits.", err=True)
    show(found, as_json=as_json, scores=True)


async def _found(
    kernel: Kernel, query: str, scope: str | None, name: str, top_k: int, mode: str, wanted: dict[str, Any]
) -> list[MemoryEntry]:
    words, nearness = _WEIGHTS[mode]
    async with opened(kernel, scope, name) as memory:
        if mode == "keyword":  # whose score says more than a place in a list
            return await memory.search(query, top_k=top_k, metadata_filter=wanted)
        return await memory.retrieve(
            query, top_k=top_k, metadata_filter=wanted, keyword_weight=words, vector_weight=nearness
        )
