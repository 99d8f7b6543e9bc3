"""Puts middleware around an agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from loopengt_hookspecs.agents import AgentReply, AgentRequest

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.middleware import Middleware

__all__ = ["Invoke", "around", "chain"]

Invoke: TypeAlias = Callable[[AgentRequest], Awaitable[AgentReply]]
"""What an attempt calls."""


def chain(agent: Agent, middleware: Sequence[Middleware]) -> Invoke:
    """Return a call that goes through the middleware, the first outermost, to the agent."""
    return around(agent.invoke, middleware)


def around(invoke: Invoke, middleware: Sequence[Middleware]) -> Invoke:
    """Return a call that goes through the middleware, the first outermost, to another."""
    for layer in reversed(middleware):
        invoke = _around(layer, invoke)
    return invoke


def _around(layer: Middleware, invoke: Invoke) -> Invoke:
    def call(request: AgentRequest) -> Awaitable[AgentReply]:
        return layer(request, invoke)

    return call
