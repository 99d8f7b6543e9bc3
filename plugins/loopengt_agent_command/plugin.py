"""Registers the agent provider ``command``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register the provider ``command``."""
    register(
        "command",
        "loopengt_agent_command.provider:CommandProvider",
        summary="Runs a program; its standard output is the answer",
    )
