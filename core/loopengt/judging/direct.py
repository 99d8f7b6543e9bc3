"""Invokes the agent of a judge where no engine does: after a run, or in a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from loopengt.prices import list_price, model_of
from loopengt.temporary import temporary_folder
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.calls import PersonAnswer, PersonQuestion, ToolOutcome
from loopengt_hookspecs.errors import AgentError, LoopengtError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.gates import InvokeAgent
    from loopengt_hookspecs.model_adapters import ModelRequest, ModelResponse
    from loopengt_hookspecs.models import AgentRole
    from loopengt_hookspecs.tools import ToolOffer

__all__ = ["invoke_directly"]


def invoke_directly(project: Path) -> InvokeAgent:
    """Return what invokes agents without recording anything.

    Args:
        project: The project folder; the agent works in an empty temporary folder.
    """

    async def invoke(agent: Agent, role: AgentRole, prompt: str, system_prompt: str = "") -> AgentReply:
        calls = _DirectCalls()
        key = f"judge-{uuid4().hex}"
        with temporary_folder(project) as folder:
            request = AgentRequest(
                run_id=key,
                loop="judge",
                step="judge",
                occurrence=1,
                attempt=1,
                agent=role,
                prompt=prompt,
                system_prompt=system_prompt,
                feedback="",
                idempotency_key=key,
                workspace=folder,
                context={},
                emit=_nowhere,
                put_blob=_no_blobs,
                calls=calls,
            )
            try:
                reply = await agent.invoke(request)
            except LoopengtError:
                raise
            except Exception as exc:
                raise AgentError(f"{type(exc).__name__}: {exc}", kind=type(exc).__name__) from exc
        if not isinstance(reply, AgentReply):
            raise AgentError(
                f"the agent answered with a Python {type(reply).__name__} in place of an AgentReply"
            )
        return calls.added_to(reply, role, agent)

    return invoke


class _DirectCalls:
    """Implements ``loopengt_hookspecs.calls.Calls``: requests are made, there are no tools, nobody is asked."""

    def __init__(self) -> None:
        self._responses: list[ModelResponse] = []

    async def offers(self) -> Sequence[ToolOffer]:
        return ()

    async def model(
        self, request: ModelRequest, send: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        response = await send(request)
        self._responses.append(response)
        return response

    async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> ToolOutcome:
        return ToolOutcome(f"there is no tool {name!r}: a judge has none", is_error=True)

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        raise AgentError(
            "a judge's agent wants to ask a person, and nobody is there",
            remedy="Give the judge another agent, such as agent: {provider: auto}.",
        )

    def progress(self, text: str) -> None:
        return None

    def added_to(self, reply: AgentReply, role: AgentRole, agent: Agent) -> AgentReply:
        """Add to a reply what the requests have used, and the list price where it does not say what it has cost."""
        for response in self._responses:
            for kind, count in response.token_usage.items():
                reply.token_usage[kind] = reply.token_usage.get(kind, 0) + count
        costs = [response.cost_usd for response in self._responses]
        if reply.cost_usd is None and costs and None not in costs:
            reply.cost_usd = sum(cost for cost in costs if cost is not None)
        if reply.cost_usd is None and getattr(agent, "free", False):
            reply.cost_usd = 0.0
        model = model_of(role, agent)
        if reply.cost_usd is None and model and reply.token_usage:
            usage = reply.token_usage
            reply.cost_usd = list_price(
                model, usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
            )
        return reply


def _nowhere(kind: str, data: dict[str, Any]) -> None:
    """There is no journal to write to."""


async def _no_blobs(data: bytes) -> str:
    return ""
