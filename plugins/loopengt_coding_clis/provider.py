"""The providers for coding CLIs, one class each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from loopengt_coding_clis.agent import CliAgent
from loopengt_coding_clis.clis import find
from loopengt_coding_clis.dialect import Turn
from loopengt_coding_clis.options import (
    ClaudeOptions,
    CliOptions,
    DirsOptions,
    TrustDirsOptions,
    TrustOptions,
)
from loopengt_coding_clis.running import Cli

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.models import AgentRole

__all__ = ["Antigravity", "ClaudeCode", "CliProvider", "Codex", "Copilot", "Cursor", "Gemini", "OpenCode"]


class CliProvider:
    """Makes the agents of one CLI; a subclass says by its options which."""

    options: ClassVar[type[CliOptions]]

    def bind(self, role: AgentRole, project: Path) -> CliAgent:
        """Make the agent of one role."""
        options = self.options.model_validate(role.config.extra)
        turn = Turn(prompt="", permissions=options.permissions, workspace=project)
        model = role.config.model if "model" in role.config.model_fields_set else ""
        own = replace(_with_options(turn, options), model=model, args=tuple(options.args))
        clis = [_cli(options.cli, role, options, own, options.program)]
        for entry in options.failover:
            other = replace(turn, model=entry.model, args=tuple(entry.args))
            clis.append(_cli(entry.provider, role, options, other, entry.program))
        return CliAgent(clis, project, system_prompt=bool(role.system_prompt))


def _with_options(turn: Turn, options: CliOptions) -> Turn:
    """Fill in the options that not every CLI has."""
    if isinstance(options, TrustOptions):
        turn = replace(turn, trust_workspace=options.trust_workspace)
    if isinstance(options, DirsOptions):
        turn = replace(turn, add_dirs=tuple(options.add_dirs))
    if isinstance(options, ClaudeOptions):
        turn = replace(
            turn,
            allowed_tools=tuple(options.allowed_tools),
            disallowed_tools=tuple(options.disallowed_tools),
            max_turns=options.max_turns,
            max_budget_usd=options.max_budget_usd,
        )
    return turn


def _cli(name: str, role: AgentRole, options: CliOptions, turn: Turn, program: str) -> Cli:
    return Cli(
        dialect=find(name),
        turn=turn,
        agent=role.name,
        program=program,
        env=options.env,
        pass_env=tuple(options.pass_env),
        idle_seconds=options.idle_seconds,
        grace_seconds=options.grace_seconds,
    )


class ClaudeCodeOptions(ClaudeOptions):
    """The options of ``claude-code``."""

    cli = "claude-code"


class ClaudeCode(CliProvider):
    """Makes agents that run Claude Code."""

    options = ClaudeCodeOptions


class CodexOptions(DirsOptions):
    """The options of ``codex``."""

    cli = "codex"


class Codex(CliProvider):
    """Makes agents that run Codex."""

    options = CodexOptions


class GeminiOptions(TrustDirsOptions):
    """The options of ``gemini``."""

    cli = "gemini"


class Gemini(CliProvider):
    """Makes agents that run the Gemini CLI."""

    options = GeminiOptions


class AntigravityOptions(DirsOptions):
    """The options of ``antigravity``."""

    cli = "antigravity"


class Antigravity(CliProvider):
    """Makes agents that run the Antigravity CLI."""

    options = AntigravityOptions


class CursorOptions(TrustOptions):
    """The options of ``cursor``."""

    cli = "cursor"


class Cursor(CliProvider):
    """Makes agents that run the Cursor CLI."""

    options = CursorOptions


class OpenCodeOptions(CliOptions):
    """The options of ``opencode``."""

    cli = "opencode"


class OpenCode(CliProvider):
    """Makes agents that run OpenCode."""

    options = OpenCodeOptions


class CopilotOptions(DirsOptions):
    """The options of ``copilot``."""

    cli = "copilot"


class Copilot(CliProvider):
    """Makes agents that run the GitHub Copilot CLI."""

    options = CopilotOptions
