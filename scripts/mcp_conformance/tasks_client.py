"""Drives runs as tasks with fastmcp-tasks, in an environment of its own; prints what it found."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError
from fastmcp_tasks.client import call_tool_task


async def use(where: dict[str, Any]) -> dict[str, Any]:
    """Go through what tasks do: end, fail, ask, are cancelled."""
    asked: list[str] = []

    async def answer(message: str, response_type: Any, params: Any, context: Any) -> Any:
        asked.append(message)
        return {name: "Ann" if name == "name" else True for name in params.requested_schema["properties"]}

    transport = StreamableHttpTransport(where["url"], headers={"Authorization": f"Bearer {where['token']}"})
    async with Client(transport, elicitation_handler=answer) as client:
        begun = await call_tool_task(client, "run_loop", {"loop": "slow.yaml"})
        greeted = await begun.result()
        at_once = await client.call_tool("slow_compute", {"seconds": 0.5})
        failed = await client.call_tool("failing_job", {}, raise_on_error=False)
        confirmed = await client.call_tool("confirm_delete", {"filename": "a.txt"})
        several = await client.call_tool("multi_input", {})
        long = await call_tool_task(client, "slow_compute", {"seconds": 60})
        working = await long.status()
        await long.cancel()
        cancelled = await long.wait(timeout=20)
        try:
            await long.result()
            told = ""
        except ToolError as exc:
            told = str(exc)
    return {
        "task_is_run": greeted.structured_content["run_id"] == begun.task_id,
        "greeted": greeted.structured_content,
        "at_once": at_once.structured_content,
        "failed": failed.structured_content,
        "failed_error": failed.is_error,
        "confirmed": confirmed.structured_content,
        "several": several.structured_content,
        "asked": asked,
        "working": working.status,
        "cancelled": cancelled.status,
        "told": told,
    }


print(json.dumps(asyncio.run(use(json.loads(sys.argv[1])))))  # noqa: T201
