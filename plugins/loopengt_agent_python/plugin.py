"""Registers the agent provider ``python``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register the provider ``python``."""
    register(
        "python",
        "loopengt_agent_python.provider:PythonProvider",
        summary="Calls a Python function of the project or of an installed package",
    )
