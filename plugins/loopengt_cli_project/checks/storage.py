"""Checks of the storage: that it opens, takes a write and is sound, and which runs in it were cut off."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from loopengt import LoopengtError
from loopengt_cli_project.findings import Finding, from_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from loopengt import Kernel
    from loopengt_hookspecs.storage import Storage

__all__ = ["check_storage"]

MOST: Final = 10
"""Findings of one kind that are listed; the others are counted."""


def check_storage(kernel: Kernel) -> Iterator[Finding]:
    """Open the configured storage and look at it."""
    if not kernel.folder.is_dir():
        # To open it would make the folder a project.
        yield Finding("storage", "ok", "not opened: there is no project folder yet")
        return
    import asyncio

    context = kernel.storage()

    async def look() -> list[Finding]:
        async with context as storage:
            return [finding async for finding in _findings(kernel, storage)]

    yield from asyncio.run(look())


async def _findings(kernel: Kernel, storage: Storage) -> AsyncIterator[Finding]:
    # Another content each time, since a storage need not write what it has already. It stays, and is small.
    probe = f"loopengt doctor {time.time_ns()}".encode()
    try:
        await storage.put_blob(probe)
    except LoopengtError as error:
        yield from_error("storage", error)
    else:
        yield Finding("storage", "ok", f"opens and can be written: {storage.describe()}")
    damage = await storage.check()
    for sentence in damage[:MOST]:
        yield Finding("storage", "fail", sentence, "keep a copy of it; what is sound in it stays readable")
    if len(damage) > MOST:
        yield Finding("storage", "fail", f"{len(damage) - MOST} more findings of damage")
    if not damage:
        yield Finding("storage", "ok", "sound")
    async for finding in _cut_off(kernel, storage):
        yield finding


async def _cut_off(kernel: Kernel, storage: Storage) -> AsyncIterator[Finding]:
    """Yield the runs that claim to be running though nobody drives them."""
    from loopengt.cli.retyping import command_line
    from loopengt.finding import has_crashed

    rows = [row for row in await storage.rows(status="running") if has_crashed(row)]
    for row in rows[:MOST]:
        message = f"run {row.run_id} of {row.loop_name} was cut off in turn {row.turn}"
        yield Finding("runs", "warn", message, command_line(kernel, "resume", row.run_id))
    if len(rows) > MOST:
        remedy = command_line(kernel, "runs", "--status", "crashed")
        yield Finding("runs", "warn", f"{len(rows) - MOST} more runs were cut off", remedy)
    if not rows:
        yield Finding("runs", "ok", "none was cut off")
