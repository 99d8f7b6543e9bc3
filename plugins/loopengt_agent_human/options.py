"""The options of the provider ``human``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from loopengt_hookspecs.models import Declarative

__all__ = ["HumanOptions"]


class HumanOptions(Declarative):
    """What the person is shown, and what may be answered."""

    show: Literal["all", "prompt"] = Field(
        default="all",
        description="What the person reads. all: who asks (step and lap), the system prompt and the prompt; "
        "prompt: the prompt alone.",
    )
    choices: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default_factory=list,
        description="Answers to choose from; empty: any text, or what the agent's output_schema asks for.",
    )
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which nobody is waited for any more and the question counts as declined; "
        "null: for ever. The time that a person takes is not that of the attempt.",
    )
