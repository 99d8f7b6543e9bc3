"""The providers for coding CLIs, one class each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loopengt_coding_clis.agent import CliAgent
from loopengt_coding_clis.clis import find
from loopengt_coding_clis.dialect import Turn
from loopengt_coding_clis.options import ClaudeOptions, CliOptions, DirsOptions, TrustDirsOptions, TrustOptions
from loopengt_coding_clis.running import Cli

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_coding_clis.options import Failover
    from loopengt_hookspecs.models import AgentRole

__all__ = ["Antigravity", "ClaudeCode", "CliProvider", "Codex", "Copilot", "Cursor", "Gemini", "OpenCode"]


class CliProvider:
    """Makes the agents of one CLI; a subclass says by its options which."""

    options: ClassVar[type[CliOptions]]

    def bind(self, role: AgentRole, project: Path) -> CliAgent:
        """Make the agent of one role."""
        options = self.options.model_validate(role.config.extra)
        model = role.config.model if "model" in role.config.model_fields_set else ""
        own = _cli(self.options.cli, role, options, project, model=model)
        others = [_cli(entry.provider, role, options, project, entry=entry) for entry in options.failover]
        return CliAgent([own, *others], project, system_prompt=bool(role.system_prompt))


def _cli(
    name: str, role: AgentRole, options: CliOptions, project: Path, *, model: str = "", entry: Failover | None = None
) -> Cli:
    """Bind one CLI: the agent's own, with all options, or one that takes over, with its few."""
    turn = Turn(prompt="", permissions=options.permissions, workspace=project, model=model)
    own = turn if entry is not None else _with_own(turn, options)
    given = entry or options
    return Cli(
        dialect=find(name),
        turn=_replaced(own, args=tuple(given.args), model=entry.model if entry is not None else model),
        agent=role.name,
        program=given.program,
        env=options.env,
        pass_env=tuple(options.pass_env),
        idle_seconds=options.idle_seconds,
        grace_seconds=options.grace_seconds,
    )
