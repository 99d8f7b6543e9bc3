"""Registers the agent provider ``human``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register the provider ``human``."""
    register(
        "human",
        "loopengt_agent_human.provider:HumanProvider",
        summary="Asks a person, at the terminal or by pausing the run",
    )
