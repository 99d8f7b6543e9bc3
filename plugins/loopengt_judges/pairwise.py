"""The judge ``pairwise``: an agent says which of two outputs is better, asked in both orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from loopengt.judging import quoted
from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.asking import SYSTEM, AskingJudge, AskingOptions
from loopengt_judges.subjects import ExpressionText, valued

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["PairwiseJudge"]

_TASK = (
    "Two outputs were made for the same goal. Judge which of them reaches it better. Their order, their length and "
    "their tone say nothing; when neither is better, say tie."
)
_RULE = 'The answer to "better" is first, second, or tie.'
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}, "better": {"enum": ["first", "tie", "second"]}},
    "required": ["reasoning", "better"],
    "additionalProperties": False,
}


class PairwiseOptions(AskingOptions):
    """Options of the judge ``pairwise``."""

    scale: None = Field(default=None, description="It gives no scores.")
    other: Any = Field(
        default=None, description="The other output; null: what whoever asks names, else what is expected."
    )
    against: ExpressionText | None = Field(
        default=None, description="Expression for the other output, such as steps.draft.output."
    )


class PairwiseJudge(AskingJudge[PairwiseOptions]):
    """Scores 1 when the output is better than the other, 0 when it is worse, and 0.5 when neither is.

    The agent is asked twice, each of the two being the first once. When the answers do not agree, the order has
    decided and not the outputs: then neither is better, and the verdict says so.
    """

    options = PairwiseOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        return "ask in both orders whether the output is better than another"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Ask in both orders.

        Raises:
            JudgeError: There is nothing to compare with.
        """
        other = self._other(request)
        parts = await self.evidence(request, compares=True)
        scores, answers = [], []
        for pair, better in (((request.output, other), "first"), ((other, request.output), "second")):
            prompt = self.prompt(_TASK, [*parts, quoted("first", pair[0]), quoted("second", pair[1])], _RULE)
            answer = await request.ask(prompt, system_prompt=SYSTEM, schema=_SCHEMA)
            answers.append(answer)
            scores.append(0.5 if answer["better"] == "tie" else float(answer["better"] == better))
        agreed = scores[0] == scores[1]
        reasons = [answer["reasoning"].strip() for answer in answers]
        details = {"orders": [answer["better"] for answer in answers], "agreed": agreed}
        if agreed:
            return JudgeVerdict(scores[0], reasons[0], details=details)
        told = "asked in both orders, the judge did not agree with itself, so that neither is taken as better"
        spelt = f"{told}.\nThe output first: {reasons[0]}\nThe output second: {reasons[1]}"
        return JudgeVerdict(0.5, spelt, details=details)

    def _other(self, request: JudgeRequest) -> Any:
        chosen = self.chosen
        if chosen.against is not None:
            other = valued(chosen.against, request)
        else:
            given = (chosen.other, request.other, request.expected)
            other = next((one for one in given if one is not None), None)
        if other is None:
            raise JudgeError(
                "there is no other output to compare with",
                remedy="Give other or expected, or the judge options: against, such as steps.draft.output.",
            )
        return other
