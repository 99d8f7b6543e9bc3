"""Extension point: middleware, which stands around every attempt at a step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_hookspecs.registration import Register

CallNext = Callable[["AgentRequest"], Awaitable["AgentReply"]]


class Middleware(Protocol):
    """Wraps an attempt: acts before, after or instead of the agent."""

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        """Handle one attempt.

        Args:
            request: The attempt; pass it on, or a changed copy (``dataclasses.replace``).
            call_next: Awaits the rest of the chain and, at its end, the agent.

        Raises:
            AgentError: To fail the attempt as an agent would.
        """


@hookspec
def loopengt_register_middleware(register: Register[Middleware]) -> None:
    """Register middleware.

    Called once when the plugin is loaded. Nothing runs until config.toml names it:
    ``[engine] middleware = ["outermost", "innermost"]``; the list is the order.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Middleware``.

    Raises:
        PluginError: Another plugin registers middleware of the same name.

    Since: 0.2
    """
