"""Asks a judge about a run of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.evaluating import judge_specs, read_recorded, subject_of
from loopengt.judging import bind_judge, invoke_directly
from loopengt.testing.loop_runs.answering import judge_role
from loopengt.testing.scripted import ScriptedAgent
from loopengt_hookspecs.models import AgentConfig, JudgeSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.testing.loop_runs.result import Stage
    from loopengt.testing.scripted import Script
    from loopengt_hookspecs.agents import Agent, AgentReply
    from loopengt_hookspecs.gates import InvokeAgent
    from loopengt_hookspecs.models import AgentRole, JudgeResult

__all__ = ["ask_judge"]


async def ask_judge(
    stage: Stage,
    run_id: str,
    judge: str | JudgeSpec,
    agent: str | Script | None,
    against: tuple[Any, Any],
    threshold: float | None,
) -> JudgeResult:
    """Ask a judge; see ``LoopRun.judge``."""
    kernel = stage.kernel
    spec = _declared(stage, judge, agent if isinstance(agent, str) else "", threshold)
    invoke = None
    if agent is not None and not isinstance(agent, str):
        invoke = _scripted(spec, agent, kernel.project)
        # Whom it would ask plays no part, and need not be installed.
        if kernel.get("judges", spec.kind).asks:
            nobody = AgentConfig(provider="scripted", extra={"answers": []})
            spec = spec.model_copy(update={"agent": nobody})
    elif not stage.live and kernel.get("judges", spec.kind).asks and not _is_scripted(stage, spec):
        raise UsageError(
            f"the judge {spec.label!r} asks an agent, and the test has not asked for real ones",
            remedy="Give it answers: agent=[{'score': 1, 'reasoning': '…'}]; or mark the test with live_agents and "
            "run the loop with live=True.",
        )
    agents = {role.name: role.config for role in stage.spec.agents}
    bound = bind_judge(kernel, spec, kernel.project, agents=agents)
    async with kernel.storage() as storage:
        run = await read_recorded(storage, run_id)
        subject = await subject_of(storage, run, expected=against[0], other=against[1])
        return await bound.score(subject, invoke)


def _declared(stage: Stage, judge: str | JudgeSpec, agent: str, threshold: float | None) -> JudgeSpec:
    if isinstance(judge, str):
        specs = judge_specs(stage.kernel, [judge], agent=agent, threshold=threshold)
        if len(specs) > 1:
            raise UsageError(f"{judge} declares {len(specs)} judges", remedy="Give a file with one of them.")
        return specs[0]
    changed: dict[str, Any] = {} if threshold is None else {"threshold": threshold}
    if agent:
        provider, _, model = agent.partition(":")
        named = {"provider": provider} | ({"model": model} if model else {})
        changed["agent"] = AgentConfig.model_validate(named)
    return judge.model_copy(update=changed)


def _is_scripted(stage: Stage, spec: JudgeSpec) -> bool:
    """Whether the judge declares an agent that is a script itself."""
    named = {role.name: role.config for role in stage.spec.agents}
    config = named.get(spec.agent) if isinstance(spec.agent, str) else spec.agent
    return config is not None and config.provider == "scripted"


def _scripted(spec: JudgeSpec, script: Script, project: Path) -> InvokeAgent:
    scripted = ScriptedAgent(agents={judge_role(spec.label): script})
    directly = invoke_directly(project)

    async def invoke(agent: Agent, role: AgentRole, prompt: str, system_prompt: str = "") -> AgentReply:
        return await directly(scripted, role, prompt, system_prompt)

    return invoke
