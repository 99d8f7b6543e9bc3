"""The judge ``goal_achievement``: an agent scores how far the goal is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from loopengt.judging import quoted
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.asking import SYSTEM, AskingJudge, AskingOptions, score_of, score_rule, score_schema

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["GoalAchievementJudge"]

_TASK = (
    "Judge how far the goal is reached. What counts is what was done, and not what it says of itself: a claim without "
    "evidence is no achievement, and a goal of which a part is missing is reached in part."
)
_MOST_STEPS = 40
_LONGEST = 4_000
"""Characters of one step's output."""


class GoalAchievementOptions(AskingOptions):
    """Options of the judge ``goal_achievement``."""


class GoalAchievementJudge(AskingJudge[GoalAchievementOptions]):
    """Shows an agent the goal, what all steps put out, how the run ended and what its gates found."""

    options = GoalAchievementOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        return "ask how far the goal is reached"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Ask for a score and its reasons."""
        scale = self.chosen.scale
        scope = request.scope()
        parts = [*await self.evidence(request), *_steps(scope), *_ending(scope), *_gates(scope)]
        prompt = self.prompt(_TASK, parts, score_rule(scale))
        answer = await request.ask(prompt, system_prompt=SYSTEM, schema=score_schema(scale))
        return JudgeVerdict(score_of(answer, scale), answer["reasoning"])


def _look(data: Any, key: str) -> Any:
    return data[key] if isinstance(data, Mapping) and key in data else None


def _steps(scope: Mapping[str, Any]) -> list[str]:
    steps = _look(scope, "steps")
    if not isinstance(steps, Mapping) or not steps:
        return []
    names = list(steps)
    parts = ["What the steps did:"]
    for name in names[:_MOST_STEPS]:
        step = steps[name]
        told = {"step": name} | {key: _look(step, key) for key in ("status", "attempts", "error", "output")}
        parts.append(quoted("step", told, longest=_LONGEST))
    if len(names) > _MOST_STEPS:
        parts.append(f"({len(names) - _MOST_STEPS} more steps are not shown.)")
    return parts


def _ending(scope: Mapping[str, Any]) -> list[str]:
    run = _look(scope, "run")
    status = _look(run, "status")
    if status is None:
        return ["The run is still under way."]
    told = {key: _look(run, key) for key in ("status", "reason", "detail")}
    return [f"How the run ended:\n{quoted('end', told, longest=_LONGEST)}"]


def _gates(scope: Mapping[str, Any]) -> list[str]:
    gates = _look(scope, "gates")
    if not gates:
        return []
    return [f"What its gates found, each at its last check:\n{quoted('gates', gates, longest=10_000)}"]
