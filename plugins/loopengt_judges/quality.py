"""The judge ``quality``: an agent scores how good the output is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from loopengt.judging import quoted
from loopengt_hookspecs.judges import JudgeVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.judges import JudgeRequest
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["QualityJudge"]

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reasoning": {"type": "string"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["reasoning", "score"],
    "additionalProperties": False,
}


class QualityJudge:
    """Asks an agent how good the output is for the goal."""

    options = None
    asks = True

    def bind(self, spec: JudgeSpec, project: Path) -> Self:
        """Make the judge of one declaration."""
        return self

    def plan(self) -> str:
        """Say what a verdict does."""
        return "ask how good the output is"

    def missing(self) -> list[MissingRequirement]:
        """It lacks nothing of its own."""
        return []

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Ask for a score and its reasons."""
        prompt = (
            "Judge how good the output is for the goal.\n\n"
            f"{quoted('goal', request.goal)}\n\n{quoted('output', request.output)}"
        )
        answer = await request.ask(prompt, schema=_SCHEMA)
        return JudgeVerdict(answer["score"], answer["reasoning"])
