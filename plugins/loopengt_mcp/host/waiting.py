"""Waits until a run has a task for the model of an IDE, or rests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from loopengt.finding import exact_run, is_driven
from loopengt_mcp.host.work import open_work

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_mcp.host.work import Work
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.runs import Progress

__all__ = ["wait_for_work"]

_LOOK_SECONDS = 0.25
_REST_SECONDS = 0.1


async def wait_for_work(
    desk: Desk, run_id: str, seconds: float, progress: Progress, wanted: Callable[[Work], bool]
) -> list[Work]:
    """Wait until a run has tasks, rests, or the time is over, and return its tasks; none: it has none.

    Args:
        desk: What the server's tools share.
        run_id: The run.
        seconds: How long to wait at most.
        progress: Is told what the run does meanwhile.
        wanted: Says of a task whether it counts.

    Raises:
        RunNotFound: There is no such run.
    """
    clock = asyncio.get_running_loop()
    until = clock.time() + seconds
    told = 0

    async def tell(count: int, message: str) -> None:
        nonlocal told
        if count > told:  # each look begins to tell anew
            told = count
            await progress(count, message)

    while True:
        row = await exact_run(await desk.runs.storage(), run_id)
        driven = desk.runs.drives(run_id) or (row is not None and is_driven(row))
        # Read behind that: what a run asks before it rests is seen.
        found = [
            work for work in open_work(await desk.states.fold(run_id)) if not work.is_over and wanted(work)
        ]
        left = until - clock.time()
        if found and seconds and desk.runs.drives(run_id):
            # When every step waits, the run pauses at once: the caller is to see it at rest.
            await desk.runs.wait(run_id, _REST_SECONDS, tell)
        if found or not driven or left <= 0:
            return found
        await desk.runs.wait(run_id, min(left, _LOOK_SECONDS), tell)
