"""Uses a server with the SDK's first generation (mcp 1.x), in an environment of its own; prints what it found."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl


async def use(where: dict[str, Any]) -> dict[str, Any]:
    """Go through what a client does with a server."""
    async with AsyncExitStack() as stack:
        if "command" in where:
            program, *args = where["command"]
            streams = await stack.enter_async_context(
                stdio_client(StdioServerParameters(command=program, args=args))
            )
        else:
            headers = {"Authorization": f"Bearer {where['token']}"}
            http = await stack.enter_async_context(httpx.AsyncClient(headers=headers, timeout=60))
            streams = await stack.enter_async_context(streamable_http_client(where["url"], http_client=http))
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
        greeted = await session.initialize()
        tools = await session.list_tools()
        prompts = await session.list_prompts()
        resources = await session.list_resources()
        templates = await session.list_resource_templates()
        prompt = await session.get_prompt("design", {"goal": "greet somebody"})
        read = await session.read_resource(AnyUrl("runs://list"))
        begun = await session.call_tool("run_loop", {"loop": "loop.yaml", "wait_seconds": 30})
        unknown = await session.call_tool("run_status", {"run_id": "no-such-run"})
        return {
            "sdk": importlib.metadata.version("mcp"),
            "revision": greeted.protocolVersion,
            "server": greeted.serverInfo.name,
            "tools": sorted(tool.name for tool in tools.tools),
            "schemas": sorted(tool.name for tool in tools.tools if tool.outputSchema),
            "prompts": sorted(prompt.name for prompt in prompts.prompts),
            "resources": sorted(str(resource.uri) for resource in resources.resources),
            "templates": sorted(template.uriTemplate for template in templates.resourceTemplates),
            "prompt": len(prompt.messages),
            "read": len(read.contents),
            "run": begun.structuredContent,
            "run_error": begun.isError,
            "unknown_error": unknown.isError,
        }


print(json.dumps(asyncio.run(use(json.loads(sys.argv[1])))))  # noqa: T201
