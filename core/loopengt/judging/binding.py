"""Binds a judge's declaration to the judge, and to the agent that it asks."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.judging.answers import read_answer
from loopengt.judging.direct import invoke_directly
from loopengt.judging.scoring import Spent, Subject, add_up, checked
from loopengt_hookspecs.errors import AgentError, JudgeError, LoopengtError, MissingRequirement
from loopengt_hookspecs.judges import JudgeRequest
from loopengt_hookspecs.models import DEFAULT_THRESHOLD, AgentConfig, AgentRole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loopengt_hookspecs.agents import Agent, AgentReply
    from loopengt_hookspecs.gates import InvokeAgent
    from loopengt_hookspecs.judges import Judge, JudgeKind, JudgeVerdict
    from loopengt_hookspecs.models import JudgeResult, JudgeSpec
    from loopengt_hookspecs.registration import Components

__all__ = ["BoundJudge", "bind_judge"]

_TRIES = 3
_WAIT_SECONDS = 1.0
_PASSING = frozenset({"ConnectionError", "OverloadedError", "RateLimited", "ServerError", "TimeoutError"})


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
        agent = components.get("agents", role.config.provider).bind(role, project)
    elif spec.agent is not None:
        raise UsageError(
            f"the judge {spec.label!r} asks no agent, and declares one", remedy="Take agent out."
        )
    lowest = spec.threshold if spec.threshold is not None else threshold
    return BoundJudge(
        spec, kind.bind(spec, project), role, agent, DEFAULT_THRESHOLD if lowest is None else lowest, project
    )


def _options(kind: JudgeKind, spec: JudgeSpec) -> dict[str, Any]:
    """Hold the options against the kind's model, and return them with their defaults.

    Raises:
        UsageError: They do not fit.
    """
    given = dict(spec.options)
    if kind.options is None:
        if given:
            names = ", ".join(map(repr, given))
            raise UsageError(f"the judge {spec.kind!r} has no options, and is given {names}")
        return {}
    from pydantic import ValidationError

    try:
        return kind.options.model_validate(given).model_dump()
    except ValidationError as exc:
        said = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'options'}: {error['msg']}" for error in exc.errors()
        )
        raise UsageError(
            f"the options of judge {spec.label!r} do not fit: {said}",
            remedy=f"It takes: {', '.join(kind.options.model_fields)}.",
        ) from None


def _config(components: Components, spec: JudgeSpec, agents: Mapping[str, AgentConfig]) -> AgentConfig:
    """Return who is asked.

    Raises:
        UsageError: An agent of the loop is named that is not there.
    """
    if isinstance(spec.agent, AgentConfig):
        return spec.agent
    if spec.agent is not None:
        if spec.agent not in agents:
            from loopengt.naming import hint

            raise UsageError(
                f"the judge {spec.label!r} is to ask the agent {spec.agent!r}, and there is none of that name"
                f"{hint(spec.agent, agents)}",
                remedy="Name an agent of the loop, or a provider: agent: {provider: openai, model: …}.",
            )
        return agents[spec.agent]
    provider, model = components.setting("judges", "provider"), components.setting("judges", "model")
    named = {"provider": provider or "auto", "temperature": 0.0}
    return AgentConfig.model_validate(named | ({"model": model} if model else {}))


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
        asking = _Asking(self._agent, self._role, invoke, spent, self.name)
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
        limit = self.spec.timeout_seconds
        try:
            async with asyncio.timeout(limit) as timer:
                verdict = await self._judge.judge(request)
        except JudgeError as exc:
            raise self._failed(exc.message, exc.remedy) from exc
        except MissingRequirement:
            raise
        except TimeoutError as exc:
            if timer.expired():
                raise self._failed(f"it took longer than its {limit:g} seconds") from exc
            raise self._failed(f"TimeoutError: {exc}") from exc
        except Exception as exc:
            if exc is asking.escaped:
                raise  # not the judge's: the engine's own, such as the end of the run
            message = exc.message if isinstance(exc, LoopengtError) else f"{type(exc).__name__}: {exc}"
            raise self._failed(message, exc.remedy if isinstance(exc, LoopengtError) else "") from exc
        return checked(verdict, self.name)

    def _failed(self, why: str, remedy: str = "") -> JudgeError:
        return JudgeError(f"judge {self.name!r} came to no verdict: {why}", remedy=remedy)


class _Asking:
    """Implements ``loopengt_hookspecs.judges.Ask``."""

    def __init__(
        self, agent: Agent | None, role: AgentRole | None, invoke: InvokeAgent, spent: Spent, name: str
    ) -> None:
        self._agent = agent
        self._role = role
        self._invoke = invoke
        self._spent = spent
        self._name = name
        self.escaped: Exception | None = None
        """What the engine raised, and no agent."""

    async def __call__(
        self, prompt: str, *, system_prompt: str = "", schema: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask the agent."""
        if self._agent is None or self._role is None:
            raise JudgeError("it asks an agent, and its kind says that it does not (asks = False)")
        role = self._role
        if schema is not None:
            role = role.model_copy(update={"output_schema": dict(schema)})
            shape = json.dumps(schema, ensure_ascii=False)
            prompt = f"{prompt}\n\nAnswer with one JSON object and nothing else. Its JSON Schema:\n{shape}"
        reply = await self._patiently(role, prompt, system_prompt)
        self._spent.add(reply.token_usage, reply.cost_usd)
        return reply.output if schema is None else read_answer(reply.output, schema)

    async def _patiently(self, role: AgentRole, prompt: str, system_prompt: str) -> AgentReply:
        """Invoke the agent, again after what passes by itself; the judge's time limit bounds the waiting."""
        assert self._agent is not None
        for number in range(1, _TRIES + 1):
            try:
                return await self._invoke(self._agent, role, prompt, system_prompt)
            except AgentError as exc:
                if number == _TRIES or exc.kind not in _PASSING:
                    raise
                await asyncio.sleep(exc.retry_after or _WAIT_SECONDS * number)
            except Exception as exc:
                self.escaped = exc
                raise
        raise AssertionError("the last try returns or raises")
