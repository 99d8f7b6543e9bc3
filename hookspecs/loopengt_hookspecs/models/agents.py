"""The agents of a loop: their role, their price and their retries."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models._base import Declarative, LongText, Name, OpenDict, Reference
from loopengt_hookspecs.models.enums import AgentCapability
from loopengt_hookspecs.models.policy import Budget
from loopengt_hookspecs.models.providers import AgentConfig

__all__ = ["AgentConfig", "AgentPrice", "AgentRole", "RetryConfig"]


class RetryConfig(Declarative):
    """How often an agent's call is tried again when its provider fails."""

    max_retries: int = Field(
        default=3, ge=0, description="Further attempts after the first; 0 means one attempt."
    )
    backoff_seconds: float = Field(default=1.0, ge=0, description="Seconds to wait before the first retry.")
    backoff_multiplier: float = Field(
        default=2.0, ge=1, description="Factor by which each further wait grows."
    )


class AgentPrice(Declarative):
    """What an agent costs, where it does not say so itself. Costs made of it are marked as estimated."""

    per_call_usd: float = Field(default=0.0, ge=0, description="US dollars for one call.")
    input_usd_per_million: float = Field(
        default=0.0, ge=0, description="US dollars for a million prompt tokens."
    )
    output_usd_per_million: float = Field(
        default=0.0, ge=0, description="US dollars for a million completion tokens."
    )


class AgentRole(Declarative):
    """An agent that the loop's steps can name."""

    name: Name = Field(description="Name by which steps refer to the agent.")
    description: LongText = Field(default="", description="What the agent is for.")
    system_prompt: str = Field(default="", description="Standing instructions, sent with every prompt.")
    capabilities: list[AgentCapability] = Field(default_factory=list, description="What the agent can do.")
    input_schema: OpenDict | None = Field(
        default=None, description="JSON Schema that the agent's input must satisfy."
    )
    output_schema: OpenDict | None = Field(
        default=None, description="JSON Schema that the agent's output must satisfy."
    )
    tools: list[Reference] = Field(
        default_factory=list, description="Names of the loop's tools that the agent may call."
    )
    timeout_seconds: float = Field(
        default=300.0, gt=0, description="Seconds that one call of the agent may take."
    )
    retry: RetryConfig = Field(default_factory=RetryConfig, description="Retries when the provider fails.")
    budget: Budget | None = Field(
        default=None, description="Most that the agent may consume in a run, over all its steps."
    )
    price: AgentPrice | None = Field(
        default=None, description="What it costs; null: what it reports, or its model's list price."
    )
    config: AgentConfig = Field(default_factory=AgentConfig, description="Provider, model and their options.")
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )
