"""Calls the tools of a server, and reads its resources and prompts, for an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.naming import hint
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.tools import ToolError
from loopengt_mcp.client.offering import GET_PROMPT, LIST_PROMPTS, LIST_RESOURCES, READ_RESOURCE, Found, found
from loopengt_mcp.client.reading import get_prompt, list_prompts, list_resources
from loopengt_mcp.client.results import Reader

if TYPE_CHECKING:
    from mcp.types import Tool

    from loopengt_hookspecs.models import ToolSpec
    from loopengt_hookspecs.tools import ToolCall
    from loopengt_mcp.client.peer import Peer
    from loopengt_mcp.options import McpOptions

__all__ = ["ServerTools"]


class ServerTools:
    """What one declaration offers of a server, to the runs in one workspace.

    Args:
        peer: The server.
        spec: The declaration.
        options: The limits.
    """

    def __init__(self, peer: Peer, spec: ToolSpec, options: McpOptions) -> None:
        self._peer = peer
        self._spec = spec
        self._options = options

    async def found(self) -> list[Found]:
        """Return what the server has of it now.

        Raises:
            AgentError: The server cannot be reached, or has not what the spec names.
        """
        tools = await self._peer.tools()
        self._refuse_absent(tools)
        return await self._of(tools)

    async def call(self, call: ToolCall) -> Any:
        """Do a call.

        Raises:
            ToolError: It failed, or the server cannot be reached.
        """
        try:
            each = await self._named(call.name)
            reader = Reader(self._peer.name, call.put_blob, self._options.max_result_bytes)
            return await (self._read(each, call, reader) if each.ours else self._call(each, call, reader))
        except ToolError:
            raise
        except AgentError as error:
            raise ToolError(str(error), kind=error.kind, kinds=error.kinds) from error

    async def _named(self, name: str) -> Found:
        found: dict[str, Found] = {}
        for known in (True, False):
            tools = await self._peer.tools(known=known)
            found = {each.offer.name: each for each in await self._of(tools)}
            if name in found:
                return found[name]
        raise ToolError(f"the MCP server {self._peer.name!r} offers no {name} any more{hint(name, found)}")

    async def _of(self, tools: list[Tool]) -> list[Found]:
        beside = await self._peer.beside() if "*" in self._spec.mcp_tools else frozenset[str]()
        return list(found(self._spec, tools, beside))

    async def _call(self, each: Found, call: ToolCall, reader: Reader) -> Any:
        seconds = self._spec.timeout_seconds if "timeout_seconds" in self._spec.model_fields_set else None
        result = await self._peer.call_tool(
            each.name, call.arguments, seconds=seconds, ask=call.ask, repeatable=each.repeatable
        )
        return await reader.tool_result(result, schema=each.promised)

    async def _read(self, each: Found, call: ToolCall, reader: Reader) -> Any:
        arguments = call.arguments
        if each.name == LIST_RESOURCES:
            return await reader.bounded(await list_resources(self._peer))
        if each.name == LIST_PROMPTS:
            return await reader.bounded(await list_prompts(self._peer))
        if each.name == READ_RESOURCE:
            uri = arguments["uri"]
            result = await self._peer.request(
                lambda client: client.read_resource(uri), ask=call.ask, repeatable=True
            )
            return await reader.contents(result.contents)
        assert each.name == GET_PROMPT
        return await reader.bounded(
            await get_prompt(self._peer, arguments["name"], arguments.get("arguments", {}), reader, call.ask)
        )

    def _refuse_absent(self, tools: list[Tool]) -> None:
        names = {tool.name for tool in tools}
        wanted = [name for name in self._spec.mcp_tools if name != "*"] or (
            [] if self._spec.mcp_tools else [self._spec.name]
        )
        for name in wanted:
            if name not in names:
                raise AgentError(
                    f"the MCP server {self._peer.name!r} has no tool {name!r}{hint(name, names)}",
                    remedy=f"See loopengt mcp tools {self._peer.name}, and correct the tool {self._spec.name!r} of "
                    "the spec.",
                    kind="ToolNotFound",
                )
