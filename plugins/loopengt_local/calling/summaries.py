"""Has an agent write a summary in the midst of another's attempt, to which what it uses is debited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopengt.prompts import prompt_text
from loopengt_hookspecs.agents import AgentRequest
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelResponse
from loopengt_local.requests import prompt_scope

if TYPE_CHECKING:
    from loopengt_local.calling.lazy import LazyCalls

__all__ = ["write_summary"]


async def write_summary(calls: LazyCalls, request: AgentRequest, prompt: str) -> str:
    """Have the summarizer of a step write.

    Args:
        calls: The calls of the attempt.
        request: What its agent is to be asked.
        prompt: What the summarizer is asked.

    Raises:
        AgentError: It failed.
    """
    assert calls.step.summarizer is not None, "only a step with an agent as its summarizer has one write"
    role, invoke, system = calls.step.summarizer
    own = calls.begin_other(role.tools)
    scope = prompt_scope(own.run, request.occurrence, "", None)
    asked = replace(
        request,
        agent=role,
        prompt=prompt,
        system_prompt=system.render(scope) if system is not None else "",
        feedback="",
        idempotency_key=f"{own.key}/{own.prefix}",
        calls=own,
        session=None,
    )

    async def send(_: ModelRequest) -> ModelResponse:
        with own.asking():  # it may ask a person itself
            reply = await invoke(asked)
        text = prompt_text(reply.output).strip()
        if not text:
            raise AgentError(f"agent {role.name!r} wrote an empty summary", kind="EmptyOutput")
        return ModelResponse(text, (), dict(reply.token_usage), reply.cost_usd)

    return (await own.model(ModelRequest((Message("user", prompt),)), send)).text
