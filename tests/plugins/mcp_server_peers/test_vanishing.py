"""Clients that vanish in the midst of a task, and come back to it, over HTTP: another connection, the same task."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

from .kit import TakesTasks, TaskClient, waiting, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TOKEN = "a-token-of-the-tests-0123456789"


@pytest.fixture
def address(project: Path) -> Iterator[str]:
    """Where a server of the project listens, as a program of its own."""
    argv = [sys.executable, "-m", "loopengt", "mcp", "--transport", "streamable-http", "--port", "0"]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("LOOPENGT_")}
    environ |= {"XDG_STATE_HOME": str(project / "state"), "LOOPENGT_MCP_TOKEN": TOKEN}
    with subprocess.Popen(argv, cwd=project, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process.stderr.readline().removeprefix("Serving MCP at ").strip()
        process.terminate()
        assert (process.stderr.read(), process.wait(timeout=20)) == ("", 143)


@asynccontextmanager
async def client_at(address: str) -> AsyncIterator[TaskClient]:
    """Connect a client that takes tasks, and has forms."""

    async def form(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="cancel")

    headers = {"authorization": f"Bearer {TOKEN}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(
            streamable_http_client(address, http_client=http),
            extensions=[TakesTasks()],
            elicitation_callback=form,
        ) as client,
    ):
        yield TaskClient(client)


@pytest.mark.slow
async def test_a_client_comes_back_to_its_task(project: Path, address: str) -> None:
    """The run goes on while nobody is connected; whoever knows the task's id is told of it, and has its result."""
    path = write(project, "waits.json", agents=[waiting(project)])
    async with client_at(address) as client:
        task_id = (await client.begin("run_loop", loop=path))["taskId"]
        assert (await client.get(task_id))["status"] == "working"
    (project / "go").touch()
    async with client_at(address) as client:
        task = await client.until(task_id, "completed")
        assert task["result"]["structuredContent"]["output"] == "went"


@pytest.mark.slow
async def test_a_client_vanishes_before_it_is_told_the_task(project: Path, address: str) -> None:
    """The run of a call that is broken off goes on; another client finds it in the list, and it is a task for that."""
    path = write(project, "waits.json", agents=[waiting(project)])
    async with client_at(address) as other:
        async with client_at(address) as client:
            call = asyncio.create_task(client.begin("run_loop", loop=path, wait_seconds=50))
            while not (runs := await listed(other)):
                assert not call.done()
            call.cancel()
        (project / "go").touch()
        [run] = runs
        done = await other.until(run["run_id"], "completed")
        assert done["result"]["structuredContent"]["output"] == "went"
        assert len(await listed(other)) == 1


async def listed(client: TaskClient) -> list[dict[str, Any]]:
    """Return the runs of the project."""
    result = await client.client.call_tool("list_runs", {})
    found: list[dict[str, Any]] = (result.structured_content or {})["runs"]
    return found
