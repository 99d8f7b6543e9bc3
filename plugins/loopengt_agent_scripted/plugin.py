"""Registers the agent provider ``scripted``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register the provider ``scripted``."""
    register(
        "scripted",
        "loopengt_agent_scripted.provider:ScriptedProvider",
        summary="Answers from a file, without any model; every answer is marked as scripted",
    )
