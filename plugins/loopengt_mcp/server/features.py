"""Puts what plugins register for the MCP server into it, each from a plugin that is named when it does not work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.prompts import Prompt
from mcp.types import ToolAnnotations

from loopengt.errors import PluginError
from loopengt_hookspecs.mcp_features import McpPrompt, McpResource, McpTool
from loopengt_mcp.server.arguments import StrictTool
from loopengt_mcp.server.speaking import speaking, speaking_of_resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp.server import MCPServer
    from mcp.server.mcpserver.tools import Tool

    from loopengt import Kernel
    from loopengt_hookspecs.mcp_features import McpFeature

__all__ = ["Features"]


class Features:
    """The features of all plugins.

    Args:
        kernel: The project.

    Raises:
        PluginError: One cannot be offered, or two have the same name; the message names the plugin.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.tools: list[Tool] = []
        """What a server is made with."""
        self._others: list[tuple[str, McpResource | McpPrompt]] = []
        for what, feature in _registered(kernel):
            if isinstance(feature, McpTool):
                with _naming(what):
                    self.tools.append(_tool(feature))
            else:
                self._others.append((what, feature))

    def add_to(self, server: MCPServer[Any]) -> None:
        """Add the resources and prompts.

        Raises:
            PluginError: One cannot be offered.
        """
        for what, feature in self._others:
            with _naming(what):
                _add(server, feature)


def _registered(kernel: Kernel) -> Iterator[tuple[str, McpFeature]]:
    """Yield each feature, and before it what it is called in errors."""
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
            yield what, feature


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as exc:
        raise PluginError(f"{what} cannot be offered: {type(exc).__name__}: {exc}") from exc


def _tool(feature: McpTool) -> Tool:
    return StrictTool.from_function(
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


def _add(server: MCPServer[Any], feature: McpResource | McpPrompt) -> None:
    if isinstance(feature, McpResource):
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
