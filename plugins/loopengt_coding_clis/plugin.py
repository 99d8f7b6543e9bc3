"""Registers the agent providers for coding CLIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.registration import Register

_PROVIDERS = (
    ("claude-code", "ClaudeCode", "Claude Code (claude -p)"),
    ("codex", "Codex", "Codex (codex exec)"),
    ("gemini", "Gemini", "Gemini CLI (gemini)"),
    ("antigravity", "Antigravity", "Antigravity CLI (agy -p)"),
    ("cursor", "Cursor", "Cursor CLI (cursor-agent -p)"),
    ("opencode", "OpenCode", "OpenCode (opencode run)"),
    ("copilot", "Copilot", "GitHub Copilot CLI (copilot -p)"),
)


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register a provider for each coding CLI."""
    for name, target, summary in _PROVIDERS:
        register(name, f"loopengt_coding_clis.provider:{target}", summary=f"Runs {summary} in the workspace")
