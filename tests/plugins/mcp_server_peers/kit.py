"""A client for tasks, a server's project, and the peers that the script installs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mcp import Client
from mcp.client.extension import ClientExtension, ResultClaim
from mcp.types import ElicitResult, Request, RequestParams, Result
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ConfigDict, Field

from loopengt import Kernel
from loopengt.testing import loop_spec
from loopengt_mcp.options import McpOptions
from loopengt_mcp.server.app import make_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "scripts"


class Told(Result):
    """What a server tells of a task, in the names of the wire."""

    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = Field(alias="resultType")

    @property
    def data(self) -> dict[str, Any]:
        """All of it."""
        return self.model_dump(by_alias=True)


class Answer(Result):
    """Any answer, in the names of the wire."""

    model_config = ConfigDict(extra="allow")


class Params(RequestParams):
    """Any parameters, in the names of the wire."""

    model_config = ConfigDict(extra="allow")


class TakesTasks(ClientExtension):
    """Says that the client takes tasks for answers."""

    identifier = "io.modelcontextprotocol/tasks"

    def claims(self) -> Sequence[ResultClaim[Any]]:
        """Take what is told of a task as it is."""

        async def resolve(told: Told, context: Any) -> Any:
            raise AssertionError("tasks are not followed here")

        revisions = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [ResultClaim(result_type="task", model=Told, resolve=resolve, protocol_versions=revisions)]


class TaskClient:
    """A connected client."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def begin(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that is to answer with a task."""
        told = await self.client.session.call_tool(tool, arguments, allow_claimed=True)
        assert isinstance(told, Told), told
        return told.data

    async def get(self, task_id: str) -> dict[str, Any]:
        """Ask for a task."""
        return await self.request("tasks/get", taskId=task_id)

    async def update(self, task_id: str, **responses: Any) -> None:
        """Answer questions of a task, by their keys."""
        await self.request("tasks/update", taskId=task_id, inputResponses=responses)

    async def cancel(self, task_id: str) -> None:
        """Cancel a task."""
        await self.request("tasks/cancel", taskId=task_id)

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request of the extension."""
        request: Request[Params, str] = Request(method=method, params=Params.model_validate(params))
        answer = await self.client.session.send_request(request, Answer)
        return answer.model_dump(by_alias=True)

    async def until(self, task_id: str, *statuses: str) -> dict[str, Any]:
        """Ask for a task until it has one of the statuses."""
        for _ in range(600):
            task = await self.get(task_id)
            if task["status"] in statuses:
                return task
            await asyncio.sleep(0.02)
        raise AssertionError(f"it never was {statuses}: {task}")


@asynccontextmanager
async def connected(
    project: Path, *, forms: bool = True, tasks: bool = True, options: McpOptions | None = None, **more: Any
) -> AsyncIterator[TaskClient]:
    """Serve a project in this process, and connect a client; the server ends with it.

    Args:
        project: Its folder.
        forms: Whether the client can show forms.
        tasks: Whether it takes tasks.
        options: What it may do.
        more: Further arguments of the client.
    """

    async def form(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="cancel")

    if forms:
        more["elicitation_callback"] = form
    if tasks:
        more["extensions"] = [TakesTasks()]
    server = make_server(Kernel(project), options or McpOptions())
    async with Client(server, **more) as client:
        yield TaskClient(client)


def accept(**content: Any) -> dict[str, Any]:
    """Return what a filled-in form sends."""
    return {"action": "accept", "content": content}


def write(project: Path, name: str, *steps: Any, **fields: Any) -> str:
    """Write a loop, and return its path in the project."""
    (project / name).write_text(json.dumps(loop_spec(*steps, name=Path(name).stem, **fields)))
    return name


def commanding(*argv: str, **fields: Any) -> dict[str, Any]:
    """Return an agent that is a command of Python."""
    return {
        "name": "worker",
        "config": {"provider": "command", "extra": {"command": [sys.executable, *argv]}},
    } | fields


def asking(**fields: Any) -> dict[str, Any]:
    """Return an agent that is a person."""
    return {"name": "person", "config": {"provider": "human", "extra": fields.pop("extra", {})}} | fields


def waiting(project: Path) -> dict[str, Any]:
    """Return an agent that says that it is there, and waits until it may go."""
    text = (
        "import os, pathlib, sys, time\n"
        f"place = pathlib.Path({str(project)!r})\n"
        "(place / 'here').write_text(str(os.getpid()))\n"
        "while not (place / 'go').exists(): time.sleep(0.02)\n"
        "print('went')\n"
    )
    return commanding("-S", "-c", text)
