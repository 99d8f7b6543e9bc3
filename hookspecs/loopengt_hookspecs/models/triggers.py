"""What the options of every trigger have in common."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models._base import Declarative
from loopengt_hookspecs.models.enums import Overlap

__all__ = ["TriggerOptions"]


class TriggerOptions(Declarative):
    """Base of the models that validate ``trigger.config``."""

    overlap: Overlap = Field(
        default=Overlap.SKIP,
        description="What becomes of an occasion that comes while a run is under way: skip: nothing; queue: its run "
        "starts after that; parallel: it starts at once, beside it.",
    )
