"""The provider ``human``: asks a person for each attempt and takes the answer as the output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt_agent_human.options import HumanOptions
from loopengt_hookspecs.agents import AgentError, AgentReply
from loopengt_hookspecs.calls import PersonQuestion
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest, MissingRequirement
    from loopengt_hookspecs.models import AgentRole

__all__ = ["HumanAgent", "HumanProvider"]


class HumanProvider:
    """Makes agents that ask a person."""

    options = HumanOptions

    def bind(self, role: AgentRole, project: Path) -> HumanAgent:
        """Make the agent of one role.

        Raises:
            UsageError: It has choices and an output_schema, of which only one can be asked for.
        """
        options = HumanOptions.model_validate(role.config.extra)
        if options.choices and role.output_schema:
            raise UsageError(
                f"agent {role.name!r} has choices and an output_schema, and a person is asked for one of them",
                remedy="Take choices out of config.extra, or output_schema out of the agent.",
            )
        return HumanAgent(role.name, options, role.output_schema)


class HumanAgent:
    """Asks one question for each attempt: at the terminal where one is there, else the run pauses for the answer.

    With an ``output_schema`` the answer is JSON data, otherwise it is text. A question that is declined fails the
    attempt with an error of the kind ``Declined``, which is not tried again unless ``retryable_errors`` names it.

    Args:
        name: The agent's name, for messages.
        options: What is shown and what may be answered.
        schema: JSON Schema of the answer; None: it is text.
    """

    free = True
    """A person costs no tokens and no API."""

    def __init__(self, name: str, options: HumanOptions, schema: dict[str, Any] | None = None) -> None:
        self._name = name
        self._options = options
        self._schema = schema or None

    def plan(self) -> str:
        """Whom an attempt asks, and for what."""
        if self._options.choices:
            return f"ask a person to choose: {', '.join(self._options.choices)}"
        return "ask a person for " + ("JSON that satisfies the output_schema" if self._schema else "a text")

    def missing(self) -> list[MissingRequirement]:
        """Nothing: without a terminal the run pauses until somebody answers."""
        return []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Ask.

        Raises:
            AgentError: By ``kind``: ``Declined``; ``InvalidAnswer``, one that is none of the choices or not JSON.
        """
        question = PersonQuestion(
            self._text(request),
            choices=tuple(self._options.choices),
            timeout_seconds=self._options.timeout_seconds,
            schema=self._schema if _is_of_object(self._schema) else None,
        )
        answer = await request.calls.ask(question)
        if answer.declined:
            by = f" by {answer.by}" if answer.by else ""
            why = f": {answer.text}" if answer.text else ""
            raise AgentError(
                f"agent {self._name!r}: the question of step {request.step!r} was declined{by}{why}",
                remedy="Start another run, or resume this one with the question answered.",
                kind="Declined",
            )
        metadata = {"answered_by": answer.by} if answer.by else {}
        output = self._read(answer.text)
        return AgentReply(output, cost_usd=0.0, cost_source="reported", metadata=metadata)

    def _text(self, request: AgentRequest) -> str:
        prompt = request.prompt.strip()
        if self._options.show == "prompt":
            return prompt
        lap = f", execution {request.occurrence}" if request.occurrence > 1 else ""
        again = f", attempt {request.attempt}" if request.attempt > 1 else ""
        head = f"Step {request.step!r} of loop {request.loop!r}{lap}{again}"
        return "\n\n".join(part for part in (head, request.system_prompt.strip(), prompt) if part)

    def _read(self, text: str) -> Any:
        """Return an answer as the output.

        Raises:
            AgentError: It is not what was asked for.
        """
        choices = self._options.choices
        if choices:
            chosen = {choice.casefold(): choice for choice in reversed(choices)}.get(text.strip().casefold())
            if chosen is None:
                raise self._invalid(
                    f"{text!r} is none of the choices", f"Choose one of: {', '.join(choices)}."
                )
            return chosen
        if self._schema is None or self._schema.get("type") == "string":
            return text
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as exc:
            raise self._invalid(f"the answer is not JSON: {exc}", "Answer with JSON.") from None

    def _invalid(self, what: str, remedy: str) -> AgentError:
        return AgentError(f"agent {self._name!r}: {what}", remedy=remedy, kind="InvalidAnswer")


def _is_of_object(schema: dict[str, Any] | None) -> bool:
    """Whether a schema is that of an object, the only kind that people are asked for member by member."""
    if schema is None:
        return False
    return schema.get("type") == "object" or ("type" not in schema and "properties" in schema)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
