"""Registers the IDE adapters, the command ``adapter``, and observers that tell people what runs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.adapters import Adapter
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tracing import Observer

_TOOLS = "loopengt_adapters.tools.known"


@hookimpl
def loopengt_register_adapters(register: Register[Adapter]) -> None:
    """Register one adapter for each tool."""
    register(
        "antigravity",
        f"{_TOOLS}:ANTIGRAVITY",
        summary="MCP server, workflows and a Stop gate in Antigravity and agy",
    )
    register(
        "claude-code", f"{_TOOLS}:CLAUDE_CODE", summary="MCP server, skills and a Stop gate in Claude Code"
    )
    register("codex", f"{_TOOLS}:CODEX", summary="MCP server, skills and a Stop gate in Codex")
    register("cursor", f"{_TOOLS}:CURSOR", summary="MCP server, commands and a Stop gate in Cursor")
    register(
        "gemini-cli", f"{_TOOLS}:GEMINI_CLI", summary="MCP server, commands and a Stop gate in Gemini CLI"
    )
    register(
        "terminal",
        "loopengt_adapters.tools.terminal:TERMINAL",
        summary="Completion of commands in bash and fish",
    )
    register("vscode", f"{_TOOLS}:VSCODE", summary="MCP server, prompts and a Stop gate in VS Code")


@hookimpl
def loopengt_register_observers(register: Register[Observer]) -> None:
    """Register desktop and webhook."""
    register(
        "desktop",
        "loopengt_adapters.observers.desktop:DesktopObserver",
        summary="Shows a notification when a run ends, fails or waits for a person",
    )
    register(
        "webhook",
        "loopengt_adapters.observers.webhook:WebhookObserver",
        summary="Posts what runs do to an address, signed, as JSON",
    )


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of desktop and webhook."""
    register("loopengt_adapters.options:AdaptersOptions")


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register adapter."""
    register(
        "adapter",
        "loopengt_adapters.commands.group:adapter",
        summary="Put loopengt into Claude Code, Cursor and other tools",
    )
