"""The judge ``quality``: an agent scores how good the output is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.asking import SYSTEM, AskingJudge, AskingOptions, score_of, score_rule, score_schema

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["QualityJudge"]

_TASK = (
    "Judge how good the output is as an answer to the goal: whether it is right, whole and to the point, clear, and "
    "free of errors and of what was not asked for."
)


class QualityOptions(AskingOptions):
    """Options of the judge ``quality``."""


class QualityJudge(AskingJudge[QualityOptions]):
    """Asks an agent how good the output is for the goal."""

    options = QualityOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        return "ask how good the output is"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Ask for a score and its reasons."""
        scale = self.chosen.scale
        prompt = self.prompt(_TASK, await self.evidence(request), score_rule(scale))
        answer = await request.ask(prompt, system_prompt=SYSTEM, schema=score_schema(scale))
        return JudgeVerdict(score_of(answer, scale), answer["reasoning"])
