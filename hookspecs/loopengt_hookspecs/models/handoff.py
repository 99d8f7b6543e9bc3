"""What one agent gives to another when it hands work over."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models._base import Declarative, OpenDict, Reference
from loopengt_hookspecs.models.enums import HandoffProtocol

__all__ = ["HandoffContext"]


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
