"""Registers the agent provider ``auto``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register the provider ``auto``."""
    register(
        "auto",
        "loopengt_agent_auto.provider:AutoProvider",
        summary="The first provider of a configured order that this machine can use",
    )
