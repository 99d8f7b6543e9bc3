"""The options of the provider ``python``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from loopengt.functions import split_reference
from loopengt_hookspecs.models import Declarative

__all__ = ["PythonOptions"]


def _check(reference: str) -> str:
    split_reference(reference)
    return reference


class PythonOptions(Declarative):
    """Which function the agent calls."""

    function: Annotated[str, AfterValidator(_check)] = Field(
        description="Dotted path of the function, module:function. The module is looked for in the project "
        "folder first, then among the installed packages. The function takes the AgentRequest, or nothing, "
        "and returns text, JSON data or an AgentReply; it may be async.",
        examples=["agents:fix", "my_package.agents:plan"],
    )
    cost: Literal["reported", "free", "unknown"] = Field(
        default="unknown",
        description="What is known of the cost of a call. reported: the function always returns an AgentReply with "
        "cost_usd, and an attempt without it fails; free: it costs nothing; unknown: neither.",
    )
