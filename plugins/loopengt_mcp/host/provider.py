"""The provider ``host``: leaves each attempt to the model of a connected IDE, as a question that is for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.agents import AgentError, AgentReply
from loopengt_hookspecs.calls import PersonQuestion
from loopengt_mcp.host.options import HostOptions

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest, MissingRequirement
    from loopengt_hookspecs.calls import PersonAnswer
    from loopengt_hookspecs.models import AgentRole

__all__ = ["HostAgent", "HostProvider"]

_TIMEOUT = "timeout"
"""Who has answered when nobody did in time."""


class HostProvider:
    """Makes agents that are models of connected IDEs."""

    options = HostOptions

    def bind(self, role: AgentRole, project: Path) -> HostAgent:
        """Make the agent of one role."""
        return HostAgent(role, HostOptions.model_validate(role.config.extra))


class HostAgent:
    """Asks one question for each attempt, which stands in the journal until the model of an IDE has answered it.

    The MCP server brings it to the model, by sampling or as a task. Where none is connected the run pauses, and any
    server of the project, also one that is started later, or a person (``loopengt answer``), takes it up.

    It calls none of the loop's tools and keeps no session: the IDE's model has tools and a conversation of its own.

    Args:
        role: The role.
        options: Its options.
    """

    free = True
    """The IDE's model is paid for with the IDE; what it uses is told to nobody."""

    def __init__(self, role: AgentRole, options: HostOptions) -> None:
        self._role = role
        self._options = options

    def plan(self) -> str:
        """Who is asked."""
        how = "by sampling, or as a task" if self._options.sampling else "as a task"
        return f"ask the model of a connected IDE, {how}"

    def missing(self) -> list[MissingRequirement]:
        """Nothing: without an IDE the run pauses until one takes the step up."""
        return []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Ask.

        Raises:
            AgentError: By ``kind``: ``Declined``; ``TimeoutError``, nobody answered in time; ``InvalidAnswer``, JSON
                was wanted.
        """
        schema = self._role.output_schema or None
        question = PersonQuestion(
            request.prompt.strip(),
            timeout_seconds=self._options.timeout_seconds,
            schema=schema,
            audience="host",
            details=self._details(request),
        )
        answer = await request.calls.ask(question)
        if answer.declined:
            raise self._declined(request, answer)
        output = answer.text if schema is None else self._read(answer.text)
        metadata = {"answered_by": answer.by} if answer.by else {}
        return AgentReply(output, cost_usd=0.0, cost_source="reported", metadata=metadata)

    def _details(self, request: AgentRequest) -> dict[str, Any]:
        """Return what the server needs beside the prompt; of the settings, only what was said."""
        config = request.agent.config
        details: dict[str, Any] = {"loop": request.loop, "sampling": self._options.sampling}
        if request.system_prompt.strip():
            details["system"] = request.system_prompt.strip()
        said = config.model_fields_set & {"max_tokens", "model", "temperature"}
        return details | {key: getattr(config, key) for key in said if getattr(config, key) is not None}

    def _read(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise AgentError(
                f"agent {self._role.name!r}: the answer is not JSON: {exc}",
                remedy="Answer with JSON that fits the agent's output_schema.",
                kind="InvalidAnswer",
            ) from None

    def _declined(self, request: AgentRequest, answer: PersonAnswer) -> AgentError:
        task = f"agent {self._role.name!r}: the task of step {request.step!r}"
        if answer.by == _TIMEOUT:
            return AgentError(
                f"{task} was not done: {answer.text}",
                remedy="Connect an IDE (`loopengt mcp`), or raise config.extra.timeout_seconds.",
                kind="TimeoutError",
            )
        by = f" by {answer.by}" if answer.by else ""
        why = f": {answer.text}" if answer.text else ""
        return AgentError(
            f"{task} was declined{by}{why}", remedy="Mend what stands in the way.", kind="Declined"
        )
