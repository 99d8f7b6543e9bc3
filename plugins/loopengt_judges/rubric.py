"""The judge ``rubric``: an agent scores the output by criteria, each for itself."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.asking import SYSTEM, AskingJudge, AskingOptions, score_of, score_rule, score_schema

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["RubricJudge"]


class Criterion(BaseModel):
    """One thing that the output is scored for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=100, description="What it is called in the verdict.")
    description: str = Field(
        min_length=1, description="What counts for it, and what a low and a high score mean."
    )
    weight: float = Field(default=1.0, gt=0, le=1e6, description="What it counts beside the others.")
    scale: int | None = Field(
        default=None, ge=2, le=100, description="As scale of the judge, which it replaces."
    )


class RubricOptions(AskingOptions):
    """Options of the judge ``rubric``."""

    criteria: list[Criterion] = Field(
        min_length=1, max_length=50, description="What the output is scored for."
    )
    together: bool = Field(
        default=False,
        description="Whether the agent is asked once for all criteria, which costs less; else once for each, so that "
        "none colours another.",
    )

    @field_validator("criteria")
    @classmethod
    def _are_told_apart(cls, value: list[Criterion]) -> list[Criterion]:
        names = [criterion.name for criterion in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two criteria are called {twice[0]!r}")
        return value


class RubricJudge(AskingJudge[RubricOptions]):
    """Scores each criterion, and the whole with their weighted mean."""

    options = RubricOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        count = len(self.chosen.criteria)
        what = "1 criterion" if count == 1 else f"{count} criteria"
        return f"ask for scores by {what}{' at once' if self.chosen.together and count > 1 else ''}"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Ask for the scores and their reasons."""
        criteria = self.chosen.criteria
        parts = await self.evidence(request)
        if self.chosen.together:
            answers = await self._ask_at_once(request, parts)
        else:
            answers = {one.name: await self._ask_for(one, request, parts) for one in criteria}
        scores = {one.name: score_of(answers[one.name], self._scale(one)) for one in criteria}
        weights = fsum(one.weight for one in criteria)
        score = fsum(one.weight * scores[one.name] for one in criteria) / weights
        reasoning = "\n".join(
            f"{one.name}: {scores[one.name]:.2f} — {answers[one.name]['reasoning'].strip()}"
            for one in criteria
        )
        return JudgeVerdict(round(min(1.0, max(0.0, score)), 9), reasoning, criteria=scores)

    def _scale(self, criterion: Criterion) -> int | None:
        return criterion.scale if criterion.scale is not None else self.chosen.scale

    async def _ask_for(self, criterion: Criterion, request: JudgeRequest, parts: list[str]) -> dict[str, Any]:
        scale = self._scale(criterion)
        task = (
            "Judge the output by one criterion alone; whatever else is good or bad about it does not count.\n\n"
            f"The criterion, {criterion.name!r}: {criterion.description}"
        )
        prompt = self.prompt(task, parts, score_rule(scale))
        answer: dict[str, Any] = await request.ask(prompt, system_prompt=SYSTEM, schema=score_schema(scale))
        return answer

    async def _ask_at_once(self, request: JudgeRequest, parts: list[str]) -> dict[str, dict[str, Any]]:
        criteria = self.chosen.criteria
        listed = "\n".join(
            f"- {one.name!r}: {one.description} {score_rule(self._scale(one))}" for one in criteria
        )
        task = f"Judge the output by each of these criteria, each for itself:\n{listed}"
        schema = {
            "type": "object",
            "properties": {one.name: score_schema(self._scale(one)) for one in criteria},
            "required": [one.name for one in criteria],
            "additionalProperties": False,
        }
        prompt = self.prompt(task, parts, "Give reasons and a score for each criterion.")
        answer: dict[str, dict[str, Any]] = await request.ask(prompt, system_prompt=SYSTEM, schema=schema)
        return answer
