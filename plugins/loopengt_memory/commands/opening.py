"""Options that the commands share, and the memory that they mean."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.memory import Memory, MemoryStore

__all__ = ["opened", "pairs", "pairs_option", "which"]

Command = TypeVar("Command", bound="Callable[..., Any]")


def which(command: Command) -> Command:
    """Add the options that say which memory is meant."""
    command = click.option(
        "--name", default="", metavar="NAME", help="The loop's name, or the run's whole id."
    )(command)
    return click.option(
        "--scope",
        type=click.Choice(["run", "loop", "project"]),
        help="Whose memory. Default: the project's, or with --name the loop's.",
    )(command)


def pairs_option(flag: str, what: str) -> Callable[[Command], Command]:
    """Add an option that is given as KEY=VALUE, any number of times."""
    return click.option(flag, "given", multiple=True, metavar="KEY=VALUE", help=what)


def pairs(given: Sequence[str]) -> dict[str, Any]:
    """Return the pairs; a value is JSON where it can be read as such, else text.

    Raises:
        UsageError: One has no equals sign.
    """
    found = {}
    for pair in given:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{pair!r} is not KEY=VALUE.")
        try:
            found[key] = json.loads(text)
        except (ValueError, RecursionError):
            found[key] = text
    return found


@asynccontextmanager
async def opened(kernel: Kernel, scope: str | None, name: str) -> AsyncIterator[Memory]:
    """Open the configured store, and return the memory that is meant.

    Raises:
        UsageError: The name of a loop or run is missing.
    """
    from loopengt_hookspecs.models import MemoryScope

    wanted = MemoryScope(scope or ("loop" if name else "project"))
    if wanted != MemoryScope.PROJECT and not name:
        what = "the run's id" if wanted == MemoryScope.RUN else "the loop's name"
        raise click.UsageError(f"--scope {wanted} needs --name, {what}.")
    store: MemoryStore = kernel.get("memories", kernel.setting("memory", "name"))
    try:
        yield store.memory(wanted, name)
    finally:
        await store.close()
