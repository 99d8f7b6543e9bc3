"""Registers the client for MCP servers, with its tool type and commands, and the MCP server with what it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.mcp_features import McpFeatures
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tools import ToolType


@hookimpl
def loopengt_register_tool_types(register: Register[ToolType]) -> None:
    """Register the tool type ``mcp``."""
    register("mcp", "loopengt_mcp.client.tool_type:McpToolType", summary="Tools that MCP servers offer")


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register the provider ``host``."""
    register(
        "host",
        "loopengt_mcp.host.provider:HostProvider",
        summary="Leaves the work to the model of a connected IDE; no API key",
    )


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of ``[mcp]``."""
    register("loopengt_mcp.options:McpOptions")


@hookimpl
def loopengt_register_mcp_features(register: Register[McpFeatures]) -> None:
    """Register what the server offers of its own."""
    where = "loopengt_mcp.server.offering"
    register("answering", f"{where}.answering:AnswerFeatures", summary="Answers what runs ask people")
    register("host", "loopengt_mcp.host.features:HostFeatures", summary="Tasks for the model of an IDE")
    register("guides", f"{where}.guides:GuideFeatures", summary="Prompts to design and improve loops")
    register("judging", f"{where}.judging:JudgeFeatures", summary="Has judges score runs")
    register("looking", f"{where}.looking:LookFeatures", summary="Looks at runs")
    register("loops", f"{where}.loops:LoopFeatures", summary="Writes and checks loops")
    register("reading", f"{where}.reading:ReadFeatures", summary="Loops, templates and traces as resources")
    register("running", f"{where}.running:RunFeatures", summary="Starts, resumes, forks and stops runs")


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register mcp."""
    register(
        "mcp",
        "loopengt_mcp.commands.group:mcp",
        summary="Serve this project to IDEs, or try MCP servers by hand",
    )
