"""An agent that answers from a script and remembers what it was asked."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from loopengt_hookspecs.agents import AgentReply, MissingRequirement

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import AgentRole

__all__ = ["Answer", "AnswerList", "Script", "ScriptUsedUp", "ScriptedAgent", "reply_to"]

Answer: TypeAlias = Any
"""What an agent answers once.

- an ``AgentReply``: as it is;
- an exception, or a class of exceptions: raised;
- a callable: called with the ``AgentRequest``; it returns (or is a coroutine function that returns) any of these;
- anything else: the output, at no cost.
"""

Script: TypeAlias = Iterable[Answer] | Callable[["AgentRequest"], Answer]
"""Answers in the order in which they are given; or one callable that gives all of them."""


class ScriptUsedUp(MissingRequirement):
    """A scripted agent was asked more often than its script has answers; the run ends at once, without a retry."""


class ScriptedAgent:
    """An agent provider whose agents answer from a script; ``make_kernel`` registers it as ``scripted``.

    A request is answered from the script of its step; without one from the script of its agent; without one
    from the common answers. A script that is used up ends the run with ``ScriptUsedUp``.

    Args:
        *answers: The common answers.
        steps: Scripts by name of the step.
        agents: Scripts by name of the agent's role.
    """

    options = None
    reports_cost = True
    """Whether the agents count as ones that always say what a call has cost; set it to False for those that do not."""

    def __init__(
        self,
        *answers: Answer,
        steps: Mapping[str, Script] | None = None,
        agents: Mapping[str, Script] | None = None,
    ) -> None:
        self.requests: list[AgentRequest] = []
        """Every request so far, in the order in which they came."""
        self._steps = {
            name: AnswerList(f"of step {name!r}", script) for name, script in (steps or {}).items()
        }
        self._agents = {
            name: AnswerList(f"of agent {name!r}", script) for name, script in (agents or {}).items()
        }
        self._common = AnswerList("for all steps", answers)

    def script(self, step: str, *answers: Answer) -> None:
        """Add answers to the script of a step; the first call gives the step a script of its own."""
        self._steps.setdefault(step, AnswerList(f"of step {step!r}", ())).add(answers)

    def asked(self, step: str) -> list[AgentRequest]:
        """The requests so far for one step."""
        return [request for request in self.requests if request.step == step]

    def bind(self, role: AgentRole, project: Path) -> ScriptedAgent:
        """Serve every role; the requests say which it is."""
        return self

    def plan(self) -> str:
        """Say what an attempt would execute."""
        return "answer from a script"

    def missing(self) -> list[MissingRequirement]:
        """Nothing: a script needs no more than itself."""
        return []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Give the next answer.

        Raises:
            ScriptUsedUp: There is none.
        """
        self.requests.append(request)
        script = self._steps.get(request.step) or self._agents.get(request.agent.name) or self._common
        return await reply_to(script.take(request), request)


class AnswerList:
    """One script, and how much of it was used.

    Args:
        where: Whose it is, for messages, such as ``of step 'write'``.
        script: The answers.
    """

    def __init__(self, where: str, script: Script) -> None:
        if isinstance(script, str | Mapping):
            raise TypeError(f"the script {where} is {script!r}: put the answers into a list")
        self._where = where
        self._call = script if callable(script) else None
        self._left: deque[Answer] = deque() if callable(script) else deque(script)
        self._given = 0

    @property
    def unused(self) -> int:
        """How many answers were not asked for."""
        return len(self._left)

    def add(self, answers: Iterable[Answer]) -> None:
        """Add answers at the end."""
        self._left.extend(answers)

    def take(self, request: AgentRequest) -> Answer:
        """Return the next answer.

        Raises:
            ScriptUsedUp: There is none.
        """
        if self._left:
            self._given += 1
            return self._left.popleft()
        if self._call is not None:
            return self._call(request)
        had = f"{self._given} answer{'' if self._given == 1 else 's'}"
        raise ScriptUsedUp(
            f"the script {self._where} is used up: it had {had}, and step {request.step!r} asks for another "
            f"(occurrence {request.occurrence}, attempt {request.attempt})",
            remedy=f"Give it one more: agent.script({request.step!r}, answer).",
        )


async def reply_to(answer: Answer, request: AgentRequest) -> AgentReply:
    """Make the reply to a request of an answer, or raise it."""
    if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
        raise answer
    if isinstance(answer, AgentReply):
        return answer
    if inspect.isawaitable(answer):
        return await reply_to(await answer, request)
    if callable(answer):
        return await reply_to(answer(request), request)
    return AgentReply(answer, cost_usd=0.0, cost_source="reported")
