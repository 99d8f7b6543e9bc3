"""Extension point: tools that agents may call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loopengt_hookspecs.models import ToolSpec
    from loopengt_hookspecs.registration import Register


@dataclass(slots=True)
class ToolCall:
    """One call of a tool by an agent."""

    tool: ToolSpec
    arguments: Mapping[str, Any]
    """JSON data that fits the tool's ``schema_def``."""
    workspace: Path
    idempotency_key: str


class Tool(Protocol):
    """Something that an agent can call."""

    async def call(self, call: ToolCall) -> Any:
        """Do the call and return JSON data or text.

        Raises:
            AgentError: The call failed; its text goes back to the agent.
        """


@hookspec
def loopengt_register_tools(register: Register[Tool]) -> None:
    """Register built-in tools, which specs name with ``tool_type: builtin``.

    Called once when the plugin is loaded.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Tool``.

    Raises:
        PluginError: Another plugin registers a tool of the same name.

    Since: 0.2
    """
