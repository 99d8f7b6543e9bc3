"""The judge ``expression``: the value of an expression is the score."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from loopengt.display import one_line
from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.plain import PlainJudge
from loopengt_judges.subjects import ExpressionText, as_text, valued

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["ExpressionJudge"]


class ExpressionOptions(BaseModel):
    """Options of the judge ``expression``."""

    model_config = ConfigDict(extra="forbid")

    expression: ExpressionText = Field(
        description="Its value is the score: true or false, or a number from 0 to 1. It sees output, result, steps, "
        "context, run, goal, expected and other."
    )


class ExpressionJudge(PlainJudge[ExpressionOptions]):
    """Evaluates an expression."""

    options = ExpressionOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        return f"evaluate {one_line(self.chosen.expression, 100)}"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score with the value of the expression.

        Raises:
            JudgeError: It has none, or one that is neither true nor false nor a number from 0 to 1.
        """
        value = valued(self.chosen.expression, request)
        text = self.chosen.expression
        if isinstance(value, bool):
            return JudgeVerdict(1.0 if value else 0.0, "" if value else f"{text} is false")
        if not isinstance(value, int | float) or not isfinite(value) or not 0 <= value <= 1:
            shown = one_line(as_text(value), 100) if value is not None else "null"
            raise JudgeError(
                f"the value of {text!r} is {shown}",
                remedy="Make it true or false, or a number from 0 to 1.",
            )
        return JudgeVerdict(float(value), f"{text} is {value:g}")
