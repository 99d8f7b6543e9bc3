"""Registers the client for MCP servers, with its tool type and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tools import ToolType


@hookimpl
def loopengt_register_tool_types(register: Register[ToolType]) -> None:
    """Register the tool type ``mcp``."""
    register("mcp", "loopengt_mcp.client.tool_type:McpToolType", summary="Tools that MCP servers offer")


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of ``[mcp]``."""
    register("loopengt_mcp.options:McpOptions")


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register mcp."""
    register("mcp", "loopengt_mcp.commands.group:mcp", summary="Try MCP servers by hand")
