"""The tools that look at runs: lists, states, traces and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from mcp.server.mcpserver import Context
from mcp.types import InputRequiredResult
from pydantic import Field

from loopengt.evaluating import measure, read_recorded
from loopengt_hookspecs.mcp_features import McpTool
from loopengt_mcp.host.sampling import next_sampling, samples_by_rounds
from loopengt_mcp.server.desk import desk_of
from loopengt_mcp.server.evaluating import evaluation
from loopengt_mcp.server.models import Evaluation, RunList, RunState, TracePage
from loopengt_mcp.server.offering.waiting import RunName, WaitSeconds, settled
from loopengt_mcp.server.tracing import read_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.mcp_features import McpFeature

__all__ = ["LookFeatures"]


async def list_runs(
    ctx: Context,
    status: Annotated[
        Literal["", "pending", "running", "paused", "completed", "failed", "cancelled", "crashed"],
        Field(description="Only runs of this status; empty: all."),
    ] = "",
    loop: Annotated[str, Field(description="Only runs of the loop of this name; empty: all.")] = "",
    limit: Annotated[int, Field(ge=1, le=200, description="At most so many.")] = 20,
) -> RunList:
    """List runs."""
    runs, more = await desk_of(ctx).states.rows(status=status or None, loop=loop or None, limit=limit)
    return RunList(runs=runs, more=more)


async def run_status(ctx: Context, run_id: RunName = "latest") -> RunState:
    """Say where a run stands."""
    return await desk_of(ctx).states.state(run_id)


async def wait_run(
    ctx: Context, run_id: RunName = "latest", wait_seconds: WaitSeconds = 30
) -> RunState | InputRequiredResult:
    """Wait for a run; meanwhile the client's model may be asked to do steps of it."""
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    if samples_by_rounds(ctx):
        request = await next_sampling(ctx, desk, row.run_id, wait_seconds)
        return request or await desk.states.state(row.run_id)
    return await settled(ctx, desk, row.run_id, wait_seconds)


async def inspect_trace(
    ctx: Context,
    run_id: RunName = "latest",
    cursor: Annotated[
        str, Field(description="next_cursor of the page before; empty: from the beginning.")
    ] = "",
    limit: Annotated[int, Field(ge=1, le=1_000, description="At most so many events.")] = 100,
    step: Annotated[str, Field(description="Only events of this step; empty: all.")] = "",
    types: Annotated[
        list[str] | None,
        Field(
            description="Only events of these types, such as gate.fail, or families, such as step; null: all."
        ),
    ] = None,
    full: Annotated[
        bool, Field(description="Show prompts and outputs up to 20,000 characters each, instead of 500.")
    ] = False,
) -> TracePage:
    """Show what a run did."""
    desk = desk_of(ctx)
    state, run = await desk.states.state_and_run(run_id)
    journals = await desk.runs.journals()
    return await read_page(
        journals, state, run.index, cursor=cursor, limit=limit, step=step, types=types or [], full=full
    )


async def evaluate_run(
    ctx: Context,
    run_id: RunName = "latest",
    metrics: Annotated[
        list[str] | None,
        Field(
            description="Further metrics to compute, such as time_to_goal or step_latency_p95; null: none."
        ),
    ] = None,
) -> Evaluation:
    """Compute the figures of a run."""
    desk = desk_of(ctx)
    state, run = await desk.states.state_and_run(run_id)
    found = evaluation(run, state)
    if metrics:
        recorded = await read_recorded(await desk.runs.storage(), state.run_id)
        found.metrics = dict(measure(desk.kernel, recorded, metrics))
    return found


class LookFeatures:
    """Looks at runs, and changes nothing."""

    def features(self) -> Iterable[McpFeature]:
        """Return the tools."""
        yield McpTool(
            "list_runs",
            "List the runs of this project, newest first, also those of other processes. Look closer with run_status.",
            list_runs,
            title="List runs",
            read_only=True,
        )
        yield McpTool(
            "run_status",
            "Say where a run stands: status, reason, steps, open questions, output, cost, and in `next` what to call "
            "next. Answers at once; to wait, call wait_run.",
            run_status,
            title="Where a run stands",
            read_only=True,
        )
        yield McpTool(
            "wait_run",
            "Wait until a run ends, pauses or asks something, at most wait_seconds, and answer as run_status does. "
            "When it still goes on, call it again. Cancelling the call does nothing to the run.",
            wait_run,
            title="Wait for a run",
            read_only=True,
        )
        yield McpTool(
            "inspect_trace",
            "Show the events of a run in order, page by page: steps, attempts, agents, tools, gates with their proof, "
            "decisions. Give next_cursor as cursor for more. To find out why a run failed, begin with "
            "types=['gate.fail','step.error','agent.error','loop'].",
            inspect_trace,
            title="What a run did",
            read_only=True,
        )
        yield McpTool(
            "evaluate_run",
            "Compute the figures of a run from its journal: turns, steps, success rate, durations, gates, retries, "
            "tokens, cost, and any registered metric by name. They judge no quality: for that, call judge_run.",
            evaluate_run,
            title="Figures of a run",
            read_only=True,
        )
