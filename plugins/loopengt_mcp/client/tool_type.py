"""The tool type ``mcp``: tools of a spec that MCP servers offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_mcp.client.servers import find_server
from loopengt_mcp.options import McpOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any, Self

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopSpec, ToolSpec
    from loopengt_hookspecs.registration import PluginContext
    from loopengt_hookspecs.tools import ToolCall, ToolOffer
    from loopengt_mcp.client.pool import Pool
    from loopengt_mcp.client.servers import Server
    from loopengt_mcp.client.tools import ServerTools

__all__ = ["McpTool", "McpToolType"]


class McpToolType:
    """Makes tools that MCP servers offer; their connections are shared as the servers say.

    Args:
        options: The configured servers, and the limits.
    """

    def __init__(self, options: McpOptions) -> None:
        self.options = options
        self._pool: Pool | None = None

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make the tool type with the plugin's options."""
        return cls(context.options if context.options is not None else McpOptions())

    def bind(self, tool: ToolSpec, project: Path, loop: LoopSpec) -> McpTool:
        """Make the tool of one declaration.

        Raises:
            UsageError: Its server is not configured.
        """
        known = {**self.options.servers, **loop.mcp_servers}
        server = find_server(tool.mcp_server or "", known, project, needed_by=f"tool {tool.name!r}")
        return McpTool(self, tool, server.authorised(tool.auth))

    @property
    def pool(self) -> Pool:
        """The open connections."""
        if self._pool is None:
            from loopengt_mcp.client.pool import Pool

            self._pool = Pool(self.options)
        return self._pool


class McpTool:
    """What one declaration offers of a server. The ``mcp`` package is imported when it is first asked.

    Args:
        home: Who made it.
        spec: The declaration.
        server: Its server.
    """

    def __init__(self, home: McpToolType, spec: ToolSpec, server: Server) -> None:
        self._home = home
        self._spec = spec
        self._server = server

    def plan(self) -> str:
        """Name the server and where it is."""
        return f"{self._server.name} ({self._server.plan()})"

    def missing(self) -> list[MissingRequirement]:
        """The server's program and the variables that are not there."""
        return self._server.missing()

    async def offers(self, workspace: Path) -> Sequence[ToolOffer]:
        """Return what the server offers now.

        Raises:
            AgentError: The server cannot be reached, or has not what the spec names.
        """
        return [each.offer for each in await self._tools(workspace).found()]

    async def call(self, call: ToolCall) -> Any:
        """Do a call.

        Raises:
            ToolError: The server failed, or cannot be reached.
        """
        return await self._tools(call.workspace).call(call)

    async def release(self, workspace: Path) -> None:
        """Close the connection that only the runs in that workspace have used."""
        await self._home.pool.release(self._server, workspace)

    def _tools(self, workspace: Path) -> ServerTools:
        from loopengt_mcp.client.tools import ServerTools

        return ServerTools(self._home.pool.peer(self._server, workspace), self._spec, self._home.options)
