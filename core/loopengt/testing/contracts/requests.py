"""Requests to agents, gates and tools as an engine would make them, without an engine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from loopengt.testing.contracts.data import example_of
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.calls import PersonAnswer, ToolOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.calls import PersonQuestion
    from loopengt_hookspecs.model_adapters import ModelRequest, ModelResponse
    from loopengt_hookspecs.models import AgentRole
    from loopengt_hookspecs.tools import ToolOffer

__all__ = ["StandInCalls", "agent_request", "keep_blob", "says_yes"]


class StandInCalls:
    """Implements ``loopengt_hookspecs.calls.Calls``: models are asked, tools are none, a person says yes."""

    def __init__(self) -> None:
        self.asked: list[PersonQuestion] = []

    async def offers(self) -> Sequence[ToolOffer]:
        """There are none."""
        return ()

    async def model(
        self, request: ModelRequest, send: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Send it."""
        return await send(request)

    async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> ToolOutcome:
        """There is none."""
        return ToolOutcome(f"there is no tool {name!r}", is_error=True)

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        """Say yes."""
        self.asked.append(question)
        return await says_yes(question)

    def progress(self, text: str) -> None:
        """Show nobody."""


async def says_yes(question: PersonQuestion) -> PersonAnswer:
    """Answer as a person would who agrees: with the first choice, else ``yes``."""
    return PersonAnswer(question.choices[0] if question.choices else "yes", by="a person")


async def keep_blob(data: bytes) -> str:
    """Return the digest under which a storage would keep bytes."""
    return hashlib.sha256(data).hexdigest()


def agent_request(
    role: AgentRole,
    workspace: Path,
    prompt: str,
    *,
    emit: Callable[[str, dict[str, Any]], None] | None = None,
    context: Mapping[str, Any] | None = None,
    number: int = 1,
) -> AgentRequest:
    """Return an attempt of the step ``work``."""
    return AgentRequest(
        run_id=f"run-{number}",
        loop="demo",
        step="work",
        occurrence=1,
        attempt=1,
        agent=role,
        prompt=prompt,
        system_prompt="",
        feedback="",
        idempotency_key=f"run-{number}/work/1/1",
        workspace=workspace,
        context=context or {},
        emit=emit or (lambda kind, data: None),
        put_blob=keep_blob,
        calls=StandInCalls(),
    )


async def no_agent(agent: Agent, role: AgentRole, prompt: str, system_prompt: str = "") -> AgentReply:
    """Answer for an agent that a gate asks, as its role wants it, with the best scores."""
    schema = role.output_schema
    return AgentReply("It is fine." if schema is None else example_of(schema), cost_usd=0.0)
