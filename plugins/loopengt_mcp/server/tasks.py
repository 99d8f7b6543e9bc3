"""The Tasks extension (SEP-2663): a tool call that begins a run is answered with a task, whose id is the run's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Extension, MethodBinding, require_client_extension
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp.types import CallToolRequestParams, CallToolResult, RequestParams
from mcp_types.jsonrpc import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from loopengt.errors import LoopengtError, UsageError
from loopengt_mcp.server.wording import for_model

__all__ = ["IDENTIFIER", "Task", "TaskSource", "Tasks", "declares_tasks"]

IDENTIFIER = "io.modelcontextprotocol/tasks"

_MODERN = frozenset(MODERN_PROTOCOL_VERSIONS)
_ENDED = ("completed", "failed", "cancelled")
_LONGEST_ID = 200
_NO_FORM = "A person has to decide, and this client cannot ask one: call the tool approve."

TaskStatus = Literal["working", "input_required", "completed", "failed", "cancelled"]
Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What a client is told of a run."""

    task_id: str
    status: TaskStatus
    created_at: float
    """Seconds since the epoch."""
    updated_at: float
    message: str = ""
    """Where it stands, in a sentence."""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is asked, as parameters of ``elicitation/create``, by keys that are never used twice."""
    result: Mapping[str, Any] | None = None
    """The result of the tool call, of a task that is completed."""
    error: Mapping[str, Any] | None = None
    """A JSON-RPC error, of a task that failed."""


class TaskSource(Protocol):
    """Knows the tasks. What is asked of it of a task that is gone raises ``RunNotFound``."""

    async def find(self, task_id: str) -> Task | None:
        """Return a task; None: there is none of that id."""

    async def answer(self, task_id: str, responses: Mapping[str, Any], by: str) -> None:
        """Answer what a task asks.

        Args:
            task_id: The task.
            responses: Results of ``elicitation/create`` by the keys of the questions; unknown keys are passed over.
            by: Who answers.

        Raises:
            UsageError: An answer does not fit its question; the text says why. Nothing is answered then.
        """

    async def cancel(self, task_id: str) -> None:
        """End a task; does nothing when it has ended."""


class _TaskParams(RequestParams):
    task_id: str = Field(alias="taskId", max_length=_LONGEST_ID)


class _UpdateParams(_TaskParams):
    input_responses: dict[str, Any] = Field(alias="inputResponses")


class Tasks(Extension):
    """Answers calls of tools that begin runs with tasks, for clients that declare the extension.

    The tool itself is called as ever; where its result names a run that goes on, a task takes the result's place. A
    client that does not declare the extension gets the result.

    Args:
        source: Knows the tasks.
        tools: Tools whose structured result names a run as ``run_id``, and its ``status``.
        required: Those of them that refuse clients which do not declare the extension.
        poll_ms: How often a client should ask, in milliseconds.
    """

    identifier = IDENTIFIER

    def __init__(
        self,
        source: TaskSource,
        tools: Collection[str],
        *,
        required: Collection[str] = (),
        poll_ms: int = 1000,
    ) -> None:
        self._source = source
        self._tools = frozenset(tools)
        self._required = frozenset(required)
        self._poll_ms = poll_ms

    def methods(self) -> Sequence[MethodBinding]:
        """Return ``tasks/get``, ``tasks/update`` and ``tasks/cancel``, of the revisions that have no sessions."""
        return [
            MethodBinding("tasks/get", _TaskParams, self._get, _MODERN),
            MethodBinding("tasks/update", _UpdateParams, self._update, _MODERN),
            MethodBinding("tasks/cancel", _TaskParams, self._cancel, _MODERN),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Context, call_next: CallNext
    ) -> HandlerResult:
        """Call the tool, and put a task in the place of a result that names a run which goes on."""
        if params.name not in self._tools:
            return await call_next(ctx)
        if not declares_tasks(ctx):
            if params.name in self._required:
                require_client_extension(ctx, IDENTIFIER)
            return await call_next(ctx)
        result = await call_next(ctx)
        run_id = _run_of(result)
        task = None if run_id is None else await self._source.find(run_id)
        if task is None:
            return result
        return self._base(_as_seen(task, ctx)) | {"resultType": "task"}

    async def _get(self, ctx: Context, params: _TaskParams) -> HandlerResult:
        return self._whole(_as_seen(await self._find(ctx, params), ctx))

    async def _update(self, ctx: Context, params: _UpdateParams) -> HandlerResult:
        await self._find(ctx, params)
        try:
            await self._source.answer(params.task_id, params.input_responses, _client(ctx))
        except UsageError as exc:
            raise MCPError(code=INVALID_PARAMS, message=for_model(exc)) from None
        except LoopengtError as exc:
            raise MCPError(code=INTERNAL_ERROR, message=for_model(exc)) from None
        return {"resultType": "complete"}

    async def _cancel(self, ctx: Context, params: _TaskParams) -> HandlerResult:
        await self._find(ctx, params)
        await self._source.cancel(params.task_id)
        return {"resultType": "complete"}

    async def _find(self, ctx: Context, params: _TaskParams) -> Task:
        """Return the task of a request.

        Raises:
            MCPError: The client has not declared the extension, its header names another task, or there is none.
        """
        require_client_extension(ctx, IDENTIFIER)
        headers = getattr(ctx.request, "headers", None)
        named = None if headers is None else headers.get(MCP_NAME_HEADER)
        if named is not None and decode_header_value(named) != params.task_id:
            raise MCPError(code=HEADER_MISMATCH, message="the Mcp-Name header names another task than taskId")
        task = await self._source.find(params.task_id)
        if task is None:
            raise MCPError(code=INVALID_PARAMS, message=f"there is no task {params.task_id!r}")
        return task

    def _base(self, task: Task) -> dict[str, Any]:
        told = {"statusMessage": task.message} if task.message else {}
        return {
            "taskId": task.task_id,
            "status": task.status,
            **told,
            "createdAt": _iso(task.created_at),
            "lastUpdatedAt": _iso(task.updated_at),
            "ttlMs": None,  # a run is kept until somebody deletes it
            "pollIntervalMs": self._poll_ms,
        }

    def _whole(self, task: Task) -> dict[str, Any]:
        found = self._base(task) | {"resultType": "complete"}
        if task.status == "input_required":
            found["inputRequests"] = {
                key: {"method": "elicitation/create", "params": dict(asked)}
                for key, asked in task.inputs.items()
            }
        elif task.status == "completed":
            found["result"] = dict(task.result or {})
        elif task.status == "failed":
            found["error"] = dict(task.error or {})
        return found


def declares_tasks(ctx: Context) -> bool:
    """Whether the client that sent a request takes tasks for answers."""
    capabilities = ctx.session.client_capabilities
    extensions = capabilities.extensions if capabilities is not None else None
    return ctx.protocol_version in _MODERN and IDENTIFIER in (extensions or {})


def _as_seen(task: Task, ctx: Context) -> Task:
    """Return a task as a client may see it: one that has no forms is not asked for one."""
    capabilities = ctx.session.client_capabilities
    if task.status != "input_required" or (capabilities is not None and capabilities.elicitation is not None):
        return task
    return replace(task, status="working", message=f"{task.message} {_NO_FORM}".strip(), inputs={})


def _client(ctx: Context) -> str:
    params = ctx.session.client_params
    return params.client_info.name if params is not None and params.client_info is not None else ""


def _run_of(result: HandlerResult) -> str | None:
    """Return the run that a tool's result names as one that goes on; None: it names none, or asks something first."""
    if not isinstance(result, CallToolResult) or result.is_error:
        return None
    content = result.structured_content
    if not isinstance(content, dict) or content.get("status") in _ENDED:
        return None
    run_id = content.get("run_id")
    return run_id if isinstance(run_id, str) and run_id else None


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
