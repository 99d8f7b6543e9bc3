"""The agent: asks a large language model, with its tools, until it has answered."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from loopengt_llm.conversation import Conversation
from loopengt_llm.pool import open_model
from loopengt_llm.structured import StructuredOutput

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.model_adapters import ModelAdapter
    from loopengt_hookspecs.models import AgentRole
    from loopengt_llm.options import AgentOptions
    from loopengt_llm.targets import Target

__all__ = ["LLMAgent"]


class LLMAgent:
    """Holds one conversation with its model for each attempt.

    The model is sent the system prompt, the prompt and the tools; the tools that it asks for are called, all of one
    answer at the same time, and their results sent back, until it answers without asking for any. That is the output:
    text, or, where the role has an ``output_schema``, JSON data that fits it.

    Args:
        role: The role.
        options: Its options.
        target: Whom it asks.
        adapter: Returns the model adapter; called on first use.
    """

    takes_tools = True

    def __init__(
        self, role: AgentRole, options: AgentOptions, target: Target, adapter: Callable[[], ModelAdapter]
    ) -> None:
        self._role = role
        self._options = options
        self._target = target
        self._adapter = adapter
        self.model = target.name
        """The model that answers, with its service, aliases and defaults resolved: ``openai:gpt-4o``."""
        self.free = options.cost == "free" or (options.cost is None and target.service.free)
        """Whether no call ever costs anything."""
        self.reports_cost = target.reports_cost
        """Whether every answer says what the call has cost."""

    def plan(self) -> str:
        """Whom an attempt would ask, and where."""
        return self._target.plan()

    def missing(self) -> list[MissingRequirement]:
        """The keys, settings and packages that are not there."""
        found = [*self._target.missing(), *self._adapter().missing(self._target.service.name)]
        return found or list(self._target.unreachable())

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Hold the conversation.

        Raises:
            AgentError: As ``Conversation.hold`` says.
            MissingRequirement: A key, a setting or a package is not there.
        """
        settings = self._target.resolved()
        model = await open_model(self._adapter(), settings)
        return await Conversation(request, model, self._target, self._options, self._structured).hold()

    @cached_property
    def _structured(self) -> StructuredOutput | None:
        schema = self._role.output_schema
        return StructuredOutput(schema, self._role.name) if schema else None
