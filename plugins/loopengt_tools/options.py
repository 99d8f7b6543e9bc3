"""What the options of the built-in tools share."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models import Declarative

__all__ = ["OutputOptions"]


class OutputOptions(Declarative):
    """How much a tool gives back."""

    max_output_bytes: int = Field(
        default=50_000,
        ge=1_000,
        le=10_000_000,
        description="Most bytes of a result; what is longer is shortened, with a note how to read on.",
    )
