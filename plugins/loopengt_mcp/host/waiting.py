"""Waits until a run has a task for the model of an IDE, or rests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from loopengt.finding import exact_run, is_driven
from loopengt_mcp.host.work import open_work

if TYPE_CHECKING:
    from loopengt_mcp.host.work import Work
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.runs import Progress

__all__ = ["wait_for_work"]

_LOOK_SECONDS = 0.25
_REST_SECONDS = 0.1


async def wait_for_work(
    desk: Desk, run_id: str, seconds: float, progress: Progress, client: str
) -> list[Work]:
    """Wait until a run has tasks, rests, or the time is over, and return its tasks; none: it has none.

    Args:
        desk: What the server's tools share.
        run_id: The run.
        seconds: How long to wait at most.
        progress: Is told what the run does meanwhile.
        client: Who waits: a task that the model of another client is being asked for does not count.

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
        known = [work for work in open_work(await desk.states.fold(run_id)) if not work.is_over]
        found = [work for work in known if not desk.handed.is_busy(work, client)]
        left = until - clock.time()
        if found and seconds and desk.runs.drives(run_id):
            # When every step waits, the run pauses at once: the caller is to see it at rest.
            await desk.runs.wait(run_id, _REST_SECONDS, tell)
        if found or left <= 0 or not (driven or known):
            return found
        if not driven:  # somebody's model is about to let it go on
            await asyncio.sleep(min(left, _LOOK_SECONDS))
            continue
        await desk.runs.wait(run_id, min(left, _LOOK_SECONDS), tell)
