"""Starts loops with steps for the model of an IDE, and connects IDEs to them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp import Client
from mcp.types import CreateMessageResult, ErrorData, Implementation, TextContent

from loopengt.testing import loop_spec, make_kernel
from loopengt_mcp.options import McpOptions
from loopengt_mcp.server.app import make_server

if TYPE_CHECKING:
    from pathlib import Path

    from mcp.server import MCPServer
    from mcp.types import CallToolResult, CreateMessageRequestParams

COLOUR = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}


def host_loop(
    *steps: str | dict[str, Any], extra: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """A loop whose steps are all left to an IDE's model; ``output_schema`` and the like are those of its agent."""
    role: dict[str, Any] = {"name": "ide", "config": {"provider": "host", "extra": extra or {}}}
    role |= {key: fields.pop(key) for key in ("output_schema", "system_prompt") if key in fields}
    role["config"] |= fields.pop("config", {})
    return loop_spec(
        *(steps or ({"name": "paint", "prompt_template": "Which colour?"},)), agents=[role], **fields
    )


@dataclass
class Ide:
    """A connected client."""

    client: Client
    asked: list[CreateMessageRequestParams] = field(default_factory=list)
    """What its model was asked by sampling."""
    called: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its model is asked."""

    async def raw(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool."""
        return await self.client.call_tool(tool, arguments)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that works."""
        result = await self.raw(tool, **arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content

    async def refused(self, tool: str, **arguments: Any) -> str:
        """Call a tool that refuses, and return what it says."""
        result = await self.raw(tool, **arguments)
        assert result.is_error, result.structured_content
        (content,) = result.content
        assert isinstance(content, TextContent)
        return content.text

    async def start(self, loop: dict[str, Any], **arguments: Any) -> str:
        """Start a run, and return its id."""
        return str((await self.call("run_loop", spec=json.dumps(loop), **arguments))["run_id"])


@dataclass
class Office:
    """A project with a server, to which IDEs connect in this process."""

    project: Path
    server: MCPServer[Any]
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _owners: list[asyncio.Task[None]] = field(default_factory=list)

    async def ide(
        self,
        name: str = "ide",
        *,
        mode: Any = "auto",
        answers: list[str | None] | None = None,
        gate: asyncio.Event | None = None,
    ) -> Ide:
        """Connect an IDE; with answers its model may be asked, and gives them in turn, None for a refusal.

        With a gate, the model answers only once that is open.
        """
        asked: list[CreateMessageRequestParams] = []
        called = asyncio.Event()
        more: dict[str, Any] = {}
        if answers is not None:
            left = iter(answers)

            async def sample(_: Any, params: CreateMessageRequestParams) -> CreateMessageResult | ErrorData:
                asked.append(params)
                called.set()
                text = next(left)
                if gate is not None:
                    await gate.wait()
                if text is None:
                    return ErrorData(code=-1, message="the person said no")
                content = TextContent(type="text", text=text)
                return CreateMessageResult(
                    role="assistant", content=content, model="model-1", stop_reason="endTurn"
                )

            more["sampling_callback"] = sample
        info = Implementation(name=name, version="1")
        client = Client(self.server, mode=mode, client_info=info, **more)
        ready = asyncio.Event()
        # Whoever connects has to be the one who leaves, and fixtures end in another task than tests.
        owner = asyncio.create_task(self._own(client, ready))
        self._owners.append(owner)
        await asyncio.wait({owner, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set(), "the client could not connect"
        return Ide(client, asked, called)

    async def close(self) -> None:
        """Let all clients leave."""
        self._over.set()
        await asyncio.gather(*self._owners)

    async def _own(self, client: Client, ready: asyncio.Event) -> None:
        async with client:
            ready.set()
            await self._over.wait()


def office_at(project: Path, **options: Any) -> Office:
    """Make a server for a project."""
    kernel = make_kernel(project, storage="sqlite")
    return Office(project, make_server(kernel, McpOptions(**options)))
