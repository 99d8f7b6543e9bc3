"""Cancels what a component does, and looks for what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from loopengt.testing.contracts.base import require
from loopengt.testing.contracts.watching import children

__all__ = ["cancelled_in_time"]

BEGIN_SECONDS = 0.3
"""How long it may get under way before it is cancelled."""
END_SECONDS = 10.0
"""How long it may take to clean up."""
LEAVE_SECONDS = 2.0
"""How long what it has started may take to be gone."""


async def cancelled_in_time(call: Coroutine[Any, Any, Any], what: str) -> None:
    """Break the rule unless a call ends when it is cancelled, and leaves neither a task nor a program.

    A call that ends by itself before it could be cancelled keeps the rule, whatever comes of it, if it leaves nothing.
    """
    tasks, programs = asyncio.all_tasks(), children()
    task = asyncio.ensure_future(call)
    done, _ = await asyncio.wait([task], timeout=BEGIN_SECONDS)
    if not done:
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=END_SECONDS)
        if not done:
            await _give_up(task)
        require(
            bool(done), f"{what} went on for {END_SECONDS:g} seconds after it was cancelled", "Let it end."
        )
        require(
            task.cancelled(),
            f"{what} swallowed the cancellation",
            "Clean up in finally, or raise CancelledError again behind except.",
        )
    elif not task.cancelled():
        task.exception()  # looked at, so that nobody warns of it
    await _nothing_left(tasks, programs, what)


async def _give_up(task: asyncio.Future[Any]) -> None:
    for _ in range(100):
        task.cancel()
        await asyncio.wait([task], timeout=0.05)
        if task.done():
            return


async def _nothing_left(tasks: set[asyncio.Task[Any]], programs: set[int], what: str) -> None:
    left_tasks: set[asyncio.Task[Any]] = set()
    left_programs: set[int] = set()
    for _ in range(round(LEAVE_SECONDS / 0.05)):
        left_tasks = {one for one in asyncio.all_tasks() - tasks if not one.done()}
        left_programs = children() - programs
        if not left_tasks and not left_programs:
            return
        await asyncio.sleep(0.05)
    for one in left_tasks:
        one.cancel()
    require(
        not left_tasks,
        f"{what} left tasks behind: {len(left_tasks)}",
        "Cancel and await them before it ends.",
    )
    require(
        not left_programs, f"{what} left programs behind: {sorted(left_programs)}", "End their process group."
    )
