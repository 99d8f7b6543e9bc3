"""The tool that has judges score a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import Context
from pydantic import Field

from loopengt.errors import UsageError
from loopengt.evaluating import evaluate, judge_specs
from loopengt.naming import hint
from loopengt_hookspecs.mcp_features import McpTool
from loopengt_mcp.server.cutting import cut
from loopengt_mcp.server.desk import desk_of
from loopengt_mcp.server.models import Judgement, Verdict
from loopengt_mcp.server.offering.waiting import RunName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.mcp_features import McpFeature
    from loopengt_hookspecs.models import JudgeResult

__all__ = ["JudgeFeatures"]

_LONGEST = 4_000


async def judge_run(
    ctx: Context,
    judges: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=10,
            description="Judges to ask, such as goal_achievement, quality, exact.",
        ),
    ],
    run_id: RunName = "latest",
    expected: Annotated[
        str | None, Field(description="What the output should be, for judges that compare; null: nothing.")
    ] = None,
    threshold: Annotated[
        float | None, Field(ge=0, le=1, description="Lowest score that passes; null: 0.8.")
    ] = None,
) -> Judgement:
    """Have judges score a run."""
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    known = desk.kernel.names("judges")
    for judge in judges:
        # Names alone, no files: what a judge executes is for the project's owner to write down.
        if judge not in known:
            raise UsageError(
                f"there is no judge {judge!r}{hint(judge, known)}", remedy="Give names of judges."
            )
    specs = judge_specs(desk.kernel, judges, threshold=threshold)
    storage = await desk.runs.storage()
    found = await evaluate(desk.kernel, storage, row.run_id, judges=specs, expected=expected)
    return Judgement(
        run_id=row.run_id,
        loop=found.loop,
        passed=found.passed,
        verdicts=[_verdict(score) for score in found.scores],
        failures={name: cut(str(why), _LONGEST, 10 * _LONGEST) for name, why in found.errors.items()},
        recorded=found.recorded,
    )


def _verdict(score: JudgeResult) -> Verdict:
    return Verdict(
        judge=score.judge_name,
        score=score.score,
        passed=score.passed,
        threshold=score.threshold,
        reasoning=cut(score.reasoning, _LONGEST, 10 * _LONGEST),
        criteria=score.criteria,
        cost_usd=score.cost_usd,
    )


class JudgeFeatures:
    """Has runs judged."""

    def features(self) -> Iterable[McpFeature]:
        """Return the tool."""
        yield McpTool(
            "judge_run",
            "Have judges score a run's output from 0 to 1, each with its reasons; the verdicts are written into the "
            "run's journal. goal_achievement and quality ask a model, which costs tokens. A judge in `failures` came "
            "to no verdict: that is no pass. Figures without judgement: evaluate_run.",
            judge_run,
            title="Judge a run",
            open_world=True,
        )
