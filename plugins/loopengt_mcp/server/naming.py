"""The server's class: it says which tool or prompt was meant when there is none of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types.jsonrpc import INVALID_PARAMS

from loopengt.display import one_line
from loopengt.naming import hint

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context
    from mcp.types import CallToolResult, GetPromptResult, InputRequiredResult

    from loopengt_mcp.server.desk import Desk

__all__ = ["NamingServer"]


class NamingServer(MCPServer["Desk"]):
    """A server whose refusals of unknown names and missing arguments are readable by a model."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Desk, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool.

        Raises:
            ToolError: There is no such tool, or it says that something is wrong.
        """
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError:
            known = [tool.name for tool in await self.list_tools()]
            if name in known:
                raise
            raise ToolError(f"Unknown tool: {one_line(name)!r}{hint(name, known)}") from None

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[Desk, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt.

        Raises:
            MCPError: There is no such prompt, or its arguments do not fit.
        """
        known = {prompt.name: prompt for prompt in await self.list_prompts()}
        if name not in known:
            raise _refusal(f"Unknown prompt: {one_line(name)!r}{hint(name, known)}")
        takes = {each.name: each for each in known[name].arguments or ()}
        given = arguments or {}
        lines = [
            f"{one_line(each)}: there is no such argument{hint(each, takes)}"
            for each in given.keys() - takes.keys()
        ]
        lines += [
            f"{each.name}: is missing" for each in takes.values() if each.required and each.name not in given
        ]
        if lines:
            raise _refusal(f"the arguments of the prompt {name!r} do not fit:\n" + "\n".join(sorted(lines)))
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as error:
            said = _words(error)
            if said is None:
                raise
            raise _refusal(said) from error


def _words(error: BaseException) -> str | None:
    """Return what a prompt has said on purpose; None: it broke."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ToolError):
            return str(seen)
        seen = seen.__cause__
    return None


def _refusal(text: str) -> MCPError:
    return MCPError(INVALID_PARAMS, text)
