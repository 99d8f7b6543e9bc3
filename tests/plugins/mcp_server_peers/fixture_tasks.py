"""What the conformance suite wants of tasks: tools under its names, each of which begins a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixture_asking import filled, form
from mcp.server.mcpserver import Context
from mcp.types import InputRequiredResult

from loopengt.ownership import current_owner
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.storage import RunRow
from loopengt_mcp.server.desk import desk_of
from loopengt_mcp.server.models import RunState
from loopengt_mcp.server.runs import new_run_id
from loopengt_mcp.server.tasks import declares_tasks

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_mcp.server.watching import Watcher

LOOPS = Path(__file__).with_name("loops")
NAMES = (
    "slow_compute",
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
)
"""The tools that begin runs."""
REQUIRED = ("failing_job", "test_tool_with_task")
"""Those of them that only clients with tasks may call."""


def add_tasks(server: MCPServer[Any]) -> None:
    """Add the tools that begin runs, and one that does not."""
    tools = (greet, slow_compute, failing_job, protocol_error_job, confirm_delete, multi_input)
    for tool in tools:
        server.add_tool(tool, description=tool.__doc__)
    server.add_tool(ask_then_begin, name="test_tool_with_task", description=ask_then_begin.__doc__)


def greet(name: str) -> str:
    """Greet, at once."""
    return f"Hello, {name}!"


async def slow_compute(ctx: Context, seconds: float = 1, label: str = "") -> RunState:
    """Begin a run that takes some seconds; who takes no task for an answer waits for its end."""
    state = await _begin(ctx, "slow_compute", {"seconds": seconds})
    if declares_tasks(ctx.request_context):
        return state

    async def progress(count: int, message: str) -> None:
        await ctx.report_progress(count, message=message)

    desk = desk_of(ctx)
    await desk.runs.wait(state.run_id, seconds + 20, progress)
    return await desk.states.state(state.run_id)


async def failing_job(ctx: Context) -> RunState:
    """Begin a run that fails."""
    return await _begin(ctx, "failing_job", {})


async def confirm_delete(filename: str, ctx: Context) -> RunState:
    """Begin a run that asks a person."""
    return await _begin(ctx, "confirm_delete", {"filename": filename})


async def multi_input(ctx: Context) -> RunState:
    """Begin a run that asks a person two things at once."""
    return await _begin(ctx, "multi_input", {})


async def protocol_error_job(ctx: Context) -> RunState:
    """Leave a run behind whose journal makes no sense."""
    desk, run_id = desk_of(ctx), new_run_id()
    storage = await desk.runs.storage()
    row = RunRow(run_id, "protocol_error_job", "running", started_at=1.0)
    lease = await storage.create(row, current_owner(), 30.0, b'[[1,"loop.start",1.0,null,{}]]', 1)
    await storage.release(lease)
    return RunState(run_id=run_id, loop="protocol_error_job", status="running")


async def ask_then_begin(ctx: Context) -> RunState | InputRequiredResult:
    """Ask for a name, then begin a run that greets."""
    name = filled(ctx, "user_name", "name")
    if name is None:
        return InputRequiredResult(input_requests={"user_name": form("What is your name?", name="string")})
    return await _begin(ctx, "greeting", {"user_name": name})


async def _begin(ctx: Context, loop: str, context: dict[str, Any]) -> RunState:
    desk, run_id = desk_of(ctx), new_run_id()
    file = LOOPS / f"{loop}.yaml"
    spec = desk.kernel.load_spec(file).spec

    async def drive(engine: Engine, watcher: Watcher) -> RunResult:
        request = RunRequest(spec, file, context, in_place=True, observers=[watcher], run_id=run_id)
        return await engine.start(request)

    await desk.runs.begin(run_id, drive)
    return await desk.states.state(run_id)
