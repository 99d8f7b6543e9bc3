"""Waits for a run on behalf of a call, and answers with where it stands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, TypeAlias

import anyio
from pydantic import Field

from loopengt_mcp.host.sampling import wait_and_sample

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context

    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.models import RunState

__all__ = ["Attached", "RunName", "WaitSeconds", "settled"]

WaitSeconds: TypeAlias = Annotated[
    float,
    Field(
        ge=0,
        le=50,
        description="Seconds to wait for the run to end, pause or ask, at most 50; 0: answer at once.",
    ),
]
RunName: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="Id of the run, an unambiguous beginning of it, or `latest`.",
    ),
]
Attached: TypeAlias = Annotated[
    bool,
    Field(description="Pause the run when this call is cancelled while it waits; otherwise the run goes on."),
]


async def settled(
    ctx: Context, desk: Desk, run_id: str, seconds: float, *, attached: bool = False
) -> RunState:
    """Wait for a run, reporting what it does, and return where it stands."""

    async def progress(count: int, message: str) -> None:
        await ctx.report_progress(count, None, message)

    if seconds:
        try:
            await wait_and_sample(ctx, desk, run_id, seconds, progress)
        except asyncio.CancelledError:
            if attached:
                with anyio.CancelScope(shield=True):
                    await desk.runs.pause(run_id)
            raise
    return await desk.states.state(run_id)
