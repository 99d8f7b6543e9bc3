"""Who answers for an agent: a provider, with its model and options."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models._base import Declarative, OpenDict, Reference

__all__ = ["AgentConfig"]


class AgentConfig(Declarative):
    """Which provider runs the agent, with which model and options."""

    provider: Reference = Field(
        default="openai",
        description="Agent provider that a plugin registers, such as command, python or openai.",
    )
    model: str = Field(default="gpt-4o", description="The provider's name of the model.")
    temperature: float = Field(default=0.7, ge=0, le=2, description="Sampling temperature, 0 to 2.")
    max_tokens: int | None = Field(
        default=None, ge=1, description="Most tokens a response may have; null: no limit."
    )
    extra: OpenDict = Field(
        default_factory=dict, description="Options of the provider, which validates them itself."
    )
