"""The tools by which the model of an IDE takes up tasks and brings their outputs, and the tasks as resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from loopengt.approvals import Answer
from loopengt.errors import UsageError
from loopengt_hookspecs.mcp_features import McpResource, McpTool
from loopengt_mcp.host.fitting import fit, plain
from loopengt_mcp.host.submitting import go_on, submit
from loopengt_mcp.host.waiting import wait_for_work
from loopengt_mcp.host.work import find_work, open_work, split_task_id
from loopengt_mcp.server.asking import client_name
from loopengt_mcp.server.desk import desk_of
from loopengt_mcp.server.models import RunState
from loopengt_mcp.server.offering.waiting import RunName, WaitSeconds
from loopengt_mcp.server.states import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.mcp_features import McpFeature
    from loopengt_mcp.host.work import Work
    from loopengt_mcp.server.desk import Desk

__all__ = ["HostFeatures", "NextTask", "Task"]

_NO_SCHEMA = "Do it, then call submit_task with this task_id and the result as text in `output`."
_SCHEMA = "Do it, then call submit_task with this task_id and, as `output`, JSON that fits output_schema."
_WHERE = " Work on files only inside the workspace folder. If it cannot be done, say why in `failed` instead."


class Task(BaseModel):
    """One step of a run that is left to the model of the client."""

    task_id: str = Field(description="Give it to submit_task.")
    run_id: str
    loop: str
    step: str
    attempt: int = Field(description="From 1; above it, the prompt says what was wrong with the one before.")
    how: str = Field(description="What to do with it.")
    prompt: str = Field(description="The task.")
    instructions: str = Field(default="", description="How the agent is to behave while it does this task.")
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that the output must satisfy; null: it is text."
    )
    workspace: str | None = Field(default=None, description="The folder that the run works in.")
    expires_at: str | None = Field(default=None, description="Until when an output counts, UTC.")
    taken: str = Field(
        default="",
        description="Who was given the task before; the first output counts, so prefer other work.",
    )


class NextTask(BaseModel):
    """A task, where the run has one, and where the run stands."""

    task: Task | None = Field(description="null: there is nothing to do now.")
    open_tasks: int = Field(default=0, description="How many are open, this one included.")
    run: RunState


async def next_task(ctx: Context, run_id: RunName = "latest", wait_seconds: WaitSeconds = 30) -> NextTask:
    """Hand over a task."""
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    if any(work.is_over for work in open_work(await desk.states.fold(row.run_id))):
        await go_on(desk, row.run_id)  # where a task's time is over, the run has to take notice of it

    async def progress(count: int, message: str) -> None:
        await ctx.report_progress(count, None, message)

    client = client_name(ctx)
    found = await wait_for_work(desk, row.run_id, wait_seconds, progress, client)
    chosen = desk.handed.in_order(found, client)[0] if found else None
    task = await _task(desk, chosen, client) if chosen is not None else None
    if chosen is not None:
        desk.handed.take(chosen, client)
    return NextTask(task=task, open_tasks=len(found), run=await desk.states.state(row.run_id))


async def submit_task(
    ctx: Context,
    task_id: Annotated[str, Field(max_length=300, description="As next_task said it.")],
    output: Annotated[
        Any,
        Field(description="The result: text, or, where the task has an output_schema, JSON that fits it."),
    ] = None,
    failed: Annotated[
        str, Field(max_length=4_000, description="In place of output: why the task cannot be done.")
    ] = "",
) -> RunState:
    """Bring the output of a task."""
    if (output is None) == (not failed.strip()):
        raise UsageError("give either `output`, the result of the task, or `failed`, why there is none")
    desk = desk_of(ctx)
    run_id, number = split_task_id(task_id)
    row = await desk.states.row(run_id)
    work = await find_work(await desk.runs.storage(), await desk.states.fold(row.run_id), number)
    by = plain(f"{client_name(ctx)} (MCP)")
    answer = (
        Answer(False, by, plain(failed)) if failed.strip() else Answer(True, by, fit(work.schema, output))
    )
    await submit(desk, work, answer)
    return await desk.states.state(row.run_id)


async def task(run_id: str, number: str, ctx: Context) -> str:
    """Return an open task."""
    desk = desk_of(ctx)
    _, wanted = split_task_id(f"{run_id}/{number}")
    row = await desk.states.row(run_id)
    work = await find_work(await desk.runs.storage(), await desk.states.fold(row.run_id), wanted)
    found = await _task(desk, work, client_name(ctx))
    return json.dumps(found.model_dump(mode="json"), ensure_ascii=False)


async def _task(desk: Desk, work: Work, client: str) -> Task:
    workspace = (await desk.states.fold(work.run_id)).header.get("workspace", {}).get("path")
    expires_at = work.question.get("expires_at")
    known = desk.handed.taken(work)
    other = known is not None and known[0] != client
    return Task(
        task_id=work.task_id,
        run_id=work.run_id,
        loop=str(work.details.get("loop") or ""),
        step=work.step,
        attempt=work.attempt,
        how=(_NO_SCHEMA if work.schema is None else _SCHEMA) + _WHERE,
        prompt=work.prompt,
        instructions=str(work.details.get("system") or ""),
        output_schema=work.schema,
        workspace=str(workspace) if workspace else None,
        expires_at=iso(float(expires_at)) if isinstance(expires_at, int | float) else None,
        taken=f"{known[0]}, {known[1]:.0f} seconds ago" if known is not None and other else "",
    )


class HostFeatures:
    """Lets the model of a client do steps of runs."""

    def features(self) -> Iterable[McpFeature]:
        """Return the tools and the resource."""
        yield McpTool(
            "next_task",
            "Take up a step of a run that is left to you, the model of this client: its prompt, the schema of its "
            "output, and the folder to work in. Waits up to wait_seconds for one. Do the task yourself, with your own "
            "tools, then call submit_task. With no task, `run.next` says what to do. Taking a task does not reserve "
            "it: the first output counts.",
            next_task,
            title="Take up a task of a run",
            idempotent=True,
        )
        yield McpTool(
            "submit_task",
            "Bring the output of a task that next_task gave you, or say why it cannot be done. The output is held "
            "against the task's output_schema; one that does not fit is refused with what is wrong: correct it and "
            "submit again. The run then goes on by itself: call next_task for more, or wait_run.",
            submit_task,
            title="Bring the output of a task",
        )
        yield McpResource(
            "task://{run_id}/{number}",
            "task",
            "A step of a run that waits for the model of a client, as next_task gives it.",
            task,
            "application/json",
        )
