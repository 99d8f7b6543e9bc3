"""Binds a judge's declaration to the judge, and to the agent that it asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.judging.asking import Asking
from loopengt.judging.direct import invoke_directly
from loopengt.judging.scoring import Spent, Subject, add_up, checked
from loopengt_hookspecs.errors import JudgeError, LoopengtError, MissingRequirement
from loopengt_hookspecs.judges import JudgeRequest
from loopengt_hookspecs.models import DEFAULT_THRESHOLD, AgentConfig, AgentRole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.gates import InvokeAgent
    from loopengt_hookspecs.judges import Judge, JudgeKind, JudgeVerdict
    from loopengt_hookspecs.models import JudgeResult, JudgeSpec, VerificationGate
    from loopengt_hookspecs.registration import Components

__all__ = ["BoundJudge", "bind_judge", "with_agent"]


def bind_judge(
    components: Components,
    spec: JudgeSpec,
    project: Path,
    *,
    agents: Mapping[str, AgentConfig] | None = None,
    threshold: float | None = None,
) -> BoundJudge:
    """Bind a judge.

    Args:
        components: Where judges and agent providers are looked up.
        spec: The declaration.
        project: The project folder.
        agents: The agents that ``spec.agent`` can name, such as those of the loop that is judged.
        threshold: What counts where the declaration names none; None: 0.8.

    Raises:
        ComponentNotFound: There is no such judge, or provider.
        UsageError: It has options that do not fit, or an agent that is not there.
    """
    kind: JudgeKind = components.get("judges", spec.kind)
    spec = spec.model_copy(update={"options": _options(kind, spec)})
    role, agent = None, None
    if kind.asks:
        role = AgentRole(name=f"judge {spec.label}"[:128], config=_config(components, spec, agents or {}))
        provider = components.get("agents", role.config.provider)
        _refuse_options(f"provider {role.config.provider!r}", spec, provider.options, role.config.extra)
        agent = provider.bind(role, project)
    elif spec.agent is not None:
        raise UsageError(
            f"the judge {spec.label!r} asks no agent, and declares one", remedy="Take agent out."
        )
    lowest = spec.threshold if spec.threshold is not None else threshold
    return BoundJudge(
        spec, kind.bind(spec, project), role, agent, DEFAULT_THRESHOLD if lowest is None else lowest, project
    )


def with_agent(gate: VerificationGate, agents: Mapping[str, AgentConfig]) -> VerificationGate:
    """Return a gate whose judge names an agent of the loop with that agent's provider and model in place of the name.

    Args:
        gate: Any gate.
        agents: The agents of the loop, by name.

    Raises:
        UsageError: There is no agent of that name.
    """
    if gate.judge is None or not isinstance(gate.judge.agent, str):
        return gate
    named = {"agent": _named(gate.judge, gate.judge.agent, agents)}
    return gate.model_copy(update={"judge": gate.judge.model_copy(update=named)})


def _options(kind: JudgeKind, spec: JudgeSpec) -> dict[str, Any]:
    """Hold the options against the kind's model, and return them with their defaults.

    Raises:
        UsageError: They do not fit.
    """
    _refuse_options(f"judge {spec.kind!r}", spec, kind.options, spec.options)
    return {} if kind.options is None else kind.options.model_validate(dict(spec.options)).model_dump()


def _refuse_options(
    what: str, spec: JudgeSpec, model: type[BaseModel] | None, given: Mapping[str, Any]
) -> None:
    from loopengt.judging.options import option_problems

    said = [
        message
        if where and repr(where[-1]) in message
        else f"{'.'.join(map(str, where)) or 'options'}: {message}"
        for where, message in option_problems(what, model, given)
    ]
    if said:
        known = ", ".join(field.alias or name for name, field in model.model_fields.items()) if model else ""
        whose = what if what == f"judge {spec.label!r}" else f"{what}, of the judge {spec.label!r},"
        raise UsageError(
            f"the options of {whose} do not fit: {'; '.join(said)}",
            remedy=f"It takes: {known}." if known else "Take them out.",
        )


def _config(components: Components, spec: JudgeSpec, agents: Mapping[str, AgentConfig]) -> AgentConfig:
    """Return who is asked.

    Raises:
        UsageError: An agent of the loop is named that is not there.
    """
    if isinstance(spec.agent, AgentConfig):
        return spec.agent
    if spec.agent is not None:
        return _named(spec, spec.agent, agents)
    provider, model = components.setting("judges", "provider"), components.setting("judges", "model")
    named = {"provider": provider or "auto", "temperature": 0.0}
    return AgentConfig.model_validate(named | ({"model": model} if model else {}))


def _named(spec: JudgeSpec, name: str, agents: Mapping[str, AgentConfig]) -> AgentConfig:
    if name not in agents:
        from loopengt.naming import hint

        raise UsageError(
            f"the judge {spec.label!r} is to ask the agent {name!r}, and there is none of that name"
            f"{hint(name, agents)}",
            remedy="Name an agent of the loop, or a provider: agent: {provider: openai, model: …}.",
        )
    return agents[name]


class BoundJudge:
    """A judge with its agent, ready to score.

    Args:
        spec: The declaration, its options complete.
        judge: The judge.
        role: The role of the agent that it asks; None: it asks nobody.
        agent: The agent.
        threshold: Lowest score that passes.
        project: The project folder.
    """

    def __init__(
        self,
        spec: JudgeSpec,
        judge: Judge,
        role: AgentRole | None,
        agent: Agent | None,
        threshold: float,
        project: Path,
    ) -> None:
        self.spec = spec
        self.name = spec.label
        """What its verdicts are called."""
        self.threshold = threshold
        self._judge = judge
        self._role = role
        self._agent = agent
        self._project = project

    @property
    def asks(self) -> bool:
        """Whether it asks an agent, which may cost something."""
        return self._agent is not None

    def plan(self) -> str:
        """Say in one line what a verdict would execute."""
        said = self._judge.plan()
        if self._role is not None and self._agent is not None:
            said = f"{said}  (asks {self._role.config.provider}: {self._agent.plan()})"
        times = f", {self.spec.repeat} times" if self.spec.repeat > 1 else ""
        return f"{said}{times}"

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks for it, its agent included."""
        return [*self._judge.missing(), *(self._agent.missing() if self._agent is not None else [])]

    async def score(self, subject: Subject, invoke: InvokeAgent | None = None) -> JudgeResult:
        """Have it judge, as often as it declares, one verdict after the other.

        Args:
            subject: What is judged.
            invoke: Invokes its agent; None: directly, without a record.

        Raises:
            JudgeError: There is no verdict: it failed, took too long, or cannot be read.
            MissingRequirement: This machine lacks something for it.
        """
        began = perf_counter()
        spent = Spent()
        verdicts = [
            await self._once(subject, invoke or invoke_directly(self._project), spent)
            for _ in range(self.spec.repeat)
        ]
        seconds = round(perf_counter() - began, 6)
        return add_up(self.spec, verdicts, self.threshold, spent, seconds)

    async def _once(self, subject: Subject, invoke: InvokeAgent, spent: Spent) -> JudgeVerdict:
        limit = self.spec.timeout_seconds
        asking = Asking(self._agent, self._role, invoke, spent, limit)
        request = JudgeRequest(
            goal=subject.goal,
            output=subject.output,
            ask=asking,
            threshold=self.threshold,
            expected=subject.expected,
            other=subject.other,
            inputs=subject.inputs,
            workspace=subject.workspace,
            scope=subject.scope,
        )
        try:
            async with asyncio.timeout(limit) as timer:
                verdict = await self._judge.judge(request)
        except TimeoutError as exc:
            if timer.expired():
                raise self._late() from exc
            raise self._failed(f"TimeoutError: {exc}") from exc
        except MissingRequirement:
            raise
        except Exception as exc:
            if asking.ended is not None:
                raise asking.ended from None  # no failure of the judge: what it lacks, or the end of the run
            message = exc.message if isinstance(exc, LoopengtError) else f"{type(exc).__name__}: {exc}"
            raise self._failed(message, exc.remedy if isinstance(exc, LoopengtError) else "") from exc
        if asking.ended is not None:  # it has swallowed it
            raise asking.ended
        if timer.expired():
            raise self._late()
        verdict = checked(verdict, self.name)
        return verdict if verdict.raw_output else replace(verdict, raw_output=asking.answers)

    def _late(self) -> JudgeError:
        return self._failed(f"it took longer than its {self.spec.timeout_seconds:g} seconds")

    def _failed(self, why: str, remedy: str = "") -> JudgeError:
        return JudgeError(f"judge {self.name!r} came to no verdict: {why}", remedy=remedy)
