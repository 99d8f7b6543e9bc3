"""What one agent gives to another when it hands work over."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models._base import Declarative, OpenDict, Reference
from loopengt_hookspecs.models.enums import HandoffProtocol

__all__ = ["HandoffConfig", "HandoffContext"]


class HandoffConfig(Declarative):
    """How the agents of a loop with ``pattern: handoff`` pass work on."""

    protocol: HandoffProtocol = Field(
        default=HandoffProtocol.DIRECT,
        description="direct: from step to step; via_supervisor: the first step decides after each other one; "
        "broadcast: the first step's work goes to all others at once.",
    )
    supervisor: Reference | None = Field(
        default=None, description="Step that supervises, or broadcasts; null: the first."
    )


class HandoffContext(Declarative):
    """Work handed from one agent of the loop to another."""

    from_agent: Reference = Field(description="Agent that hands the work over.")
    to_agent: Reference = Field(description="Agent that receives it.")
    protocol: HandoffProtocol = Field(
        default=HandoffProtocol.DIRECT, description="The way it is handed over."
    )
    payload: OpenDict = Field(default_factory=dict, description="Data for the receiver.")
    instructions: str = Field(default="", description="What the receiver is to do with it.")
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )
