"""The options of the provider ``python``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from loopengt_hookspecs.models import Declarative

__all__ = ["PythonOptions", "split_reference"]


def split_reference(reference: str) -> tuple[str, str]:
    """Split ``package.module:attribute`` (or ``package.module.attribute``) into module and attribute.

    Raises:
        ValueError: It is not a dotted path of Python names.
    """
    module, colon, attribute = reference.partition(":")
    if not colon:
        module, _, attribute = reference.rpartition(".")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise ValueError(
            f"{reference!r} is not the dotted path of a function: write module:function, such as agents:fix"
        )
    return module, attribute


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
