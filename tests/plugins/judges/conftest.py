"""A bench for judges: a project with an agent that says what the test tells it to say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.judging import Subject, bind_judge
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import JudgeSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_hookspecs.models import JudgeResult


def verdict(score: Any, reasoning: str = "so it is", **usage: int) -> AgentReply:
    """What an agent answers that keeps to the schema; it says what it has used."""
    said = json.dumps({"reasoning": reasoning, "score": score})
    return AgentReply(said, usage or {"total_tokens": 10}, cost_usd=0.25, cost_source="reported")


class Bench:
    """A project whose judges ask a scripted agent."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.agent = ScriptedAgent()
        self.plugins: list[tuple[str, object]] = []
        self.workspace = project / "work"
        self.workspace.mkdir()

    def kernel(self, **fields: Any) -> Kernel:
        """Make a kernel."""
        return make_kernel(self.project, agents=self.agent, plugins=self.plugins, **fields)

    def answers(self, *answers: Any) -> None:
        """Have the agent answer so, in that order."""
        self.agent = ScriptedAgent(*answers)

    @property
    def prompts(self) -> list[str]:
        """What the agent was asked."""
        return [request.prompt for request in self.agent.requests]

    async def judge(
        self,
        kind: str,
        output: Any,
        options: dict[str, Any] | None = None,
        *,
        spec: dict[str, Any] | None = None,
        **subject: Any,
    ) -> JudgeResult:
        """Have something judged.

        Args:
            kind: The kind of judge.
            output: What is judged.
            options: Options of the judge.
            spec: Further keys of its declaration.
            **subject: Further fields of the ``Subject``.
        """
        kernel = self.kernel()
        declared = {"kind": kind, "options": options or {}, **(spec or {})}
        if kernel.get("judges", kind).asks:
            declared.setdefault("agent", {"provider": "scripted"})
        judge = bind_judge(kernel, JudgeSpec.model_validate(declared), self.project)
        given = {"goal": "Name the capital of France.", "workspace": self.workspace, **subject}
        return await judge.score(Subject(output=output, **given))

    async def passes(
        self, kind: str, output: Any, options: dict[str, Any] | None = None, **subject: Any
    ) -> bool:
        """Whether something passes; a judge that passes gives a score of 1, and else of 0 with a reason."""
        result = await self.judge(kind, output, options, **subject)
        assert result.score == float(result.passed)
        assert bool(result.reasoning) is not result.passed
        return result.passed

    def loop(self, *judges: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Make a loop of one step with a judge gate for each declaration, named g1, g2 and so on."""
        gates = [
            {"name": f"g{number}", "kind": "judge", **judge} for number, judge in enumerate(judges, start=1)
        ]
        policy = {"verification_gates": gates, **fields.pop("policy", {})}
        step = {"name": "work", "verification_gates": [gate["name"] for gate in gates]}
        return loop_spec(step, policy=policy, **fields)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty project."""
    return Bench(tmp_path)
