"""Puts what plugins register for the MCP server into it, each from a plugin that is named when it does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.prompts import Prompt
from mcp.types import ToolAnnotations

from loopengt.errors import PluginError
from loopengt_hookspecs.mcp_features import McpPrompt, McpResource, McpTool
from loopengt_mcp.server.speaking import speaking, speaking_of_resource

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from loopengt import Kernel
    from loopengt_hookspecs.mcp_features import McpFeature

__all__ = ["add_features"]


def add_features(server: MCPServer[Any], kernel: Kernel) -> None:
    """Add the features of all plugins.

    Raises:
        PluginError: One cannot be offered, or two have the same name; the message names the plugin.
    """
    taken: dict[tuple[type, str], str] = {}
    for name in kernel.names("mcp_features"):
        plugin = kernel.component("mcp_features", name).plugin
        for feature in kernel.get("mcp_features", name).features():
            if not isinstance(feature, McpTool | McpResource | McpPrompt):
                kinds = "McpTool, McpResource or McpPrompt"
                raise PluginError(f"the plugin {plugin!r} offers {feature!r}, which is no {kinds}")
            key = (type(feature), feature.uri if isinstance(feature, McpResource) else feature.name)
            what = f"the MCP feature {key[1]!r} of the plugin {plugin!r}"
            if key in taken:
                remedy = f"Give it another name, or disable either plugin: loopengt plugins disable {plugin}"
                raise PluginError(f"{what} is offered already, by the plugin {taken[key]!r}", remedy=remedy)
            taken[key] = plugin
            if not feature.description.strip():
                raise PluginError(f"{what} has no description, so no model could use it")
            try:
                _add(server, feature)
            except Exception as exc:
                raise PluginError(f"{what} cannot be offered: {type(exc).__name__}: {exc}") from exc


def _add(server: MCPServer[Any], feature: McpFeature) -> None:
    if isinstance(feature, McpTool):
        server.add_tool(
            speaking(feature.function),
            name=feature.name,
            title=feature.title or None,
            description=feature.description,
            annotations=ToolAnnotations(
                title=feature.title or None,
                read_only_hint=feature.read_only,
                destructive_hint=feature.destructive,
                idempotent_hint=feature.idempotent or feature.read_only,
                open_world_hint=feature.open_world,
            ),
        )
    elif isinstance(feature, McpResource):
        decorate = server.resource(
            feature.uri, name=feature.name, description=feature.description, mime_type=feature.mime_type
        )
        decorate(speaking_of_resource(feature.function))
    else:
        server.add_prompt(
            Prompt.from_function(
                speaking(feature.function),
                name=feature.name,
                title=feature.title or None,
                description=feature.description,
            )
        )
