"""The gate kind ``judge``: a judge's score on the step's output decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.judging import Subject, bind_judge
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.gates import GateVerdict

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from loopengt.judging import BoundJudge
    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.gates import GateRequest
    from loopengt_hookspecs.models import VerificationGate
    from loopengt_hookspecs.registration import Components, PluginContext

__all__ = ["JudgeGate", "JudgeGates"]


class JudgeGates:
    """Makes gates of kind ``judge``.

    Args:
        components: Where judges and agent providers are looked up.
    """

    def __init__(self, components: Components) -> None:
        self._components = components

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make it with what the kernel knows."""
        return cls(context.components)

    def bind(self, gate: VerificationGate, project: Path) -> JudgeGate:
        """Make the gate.

        Raises:
            ComponentNotFound: There is no such judge, or provider.
            UsageError: The judge's options do not fit, or two thresholds are declared.
        """
        declared = gate.judge
        if declared is None:
            raise UsageError(f"the judge gate {gate.name!r} names no judge", remedy="Add judge.")
        if declared.threshold is not None and gate.threshold is not None:
            raise UsageError(
                f"the gate {gate.name!r} declares a threshold twice: of its own and of its judge",
                remedy="Take one of them out.",
            )
        return JudgeGate(bind_judge(self._components, declared, project, threshold=gate.threshold))


class JudgeGate:
    """A judge gate of a loop.

    Args:
        judge: The judge.
    """

    pure = False

    def __init__(self, judge: BoundJudge) -> None:
        self._judge = judge

    def plan(self) -> str:
        """Say who judges, and from which score it passes."""
        return f"{self._judge.plan()}; passes from {self._judge.threshold:g}"

    def missing(self) -> list[MissingRequirement]:
        """What the judge lacks, or the agent that it asks."""
        return self._judge.missing()

    async def check(self, request: GateRequest) -> GateVerdict:
        """Have the step's output judged.

        Raises:
            JudgeError: There is no verdict, which is no pass.
            MissingRequirement: This machine lacks something for it.
        """
        subject = Subject(
            goal=request.goal,
            output=request.result.output,
            inputs=request.context,
            workspace=request.workspace,
            scope=request.scope,
        )
        result = await self._judge.score(subject, request.invoke)
        proof = {"judge": result.judge_name, "score": result.score, "threshold": result.threshold}
        if result.spread is not None:
            proof |= {"scores": result.scores, "spread": round(result.spread, 4)}
        if result.criteria:
            proof["criteria"] = result.criteria
        told = f"judge {result.judge_name!r} gave {result.score:.2f}, and {self._judge.threshold:g} is needed"
        feedback = "" if result.passed else f"{told}: {result.reasoning}" if result.reasoning else told
        return GateVerdict(result.passed, feedback, proof, scores=(result,))
