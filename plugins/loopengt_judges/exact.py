"""The judge ``exact``: whether the output is what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field

from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.judges import JudgeVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.judges import JudgeRequest
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["ExactJudge"]


class ExactOptions(BaseModel):
    """Options of the judge ``exact``."""

    model_config = ConfigDict(extra="forbid")

    strip: bool = Field(default=True, description="Whether spaces around a text do not count.")


class ExactJudge:
    """Compares the output with what was expected."""

    options = ExactOptions
    asks = False

    def __init__(self, strip: bool = True) -> None:
        self._strip = strip

    def bind(self, spec: JudgeSpec, project: Path) -> Self:
        """Make the judge of one declaration."""
        return type(self)(spec.options["strip"])

    def plan(self) -> str:
        """Say what a verdict does."""
        return "compare with what was expected"

    def missing(self) -> list[MissingRequirement]:
        """It lacks nothing."""
        return []

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score 1 when they are the same, else 0.

        Raises:
            JudgeError: Nothing is known of what was expected.
        """
        output, expected = request.output, request.expected
        if expected is None:
            raise JudgeError("there is nothing expected to compare with", remedy="Give the case expected.")
        if self._strip and isinstance(output, str) and isinstance(expected, str):
            output, expected = output.strip(), expected.strip()
        return JudgeVerdict(1.0) if output == expected else JudgeVerdict(0.0, "it is not what was expected")
