"""A middleware that answers in place of the agents of a loop, and never calls one that was not asked for."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.naming import hint
from loopengt.testing.scripted import AnswerList, reply_to
from loopengt_hookspecs.agents import AgentReply, MissingRequirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from loopengt.testing.scripted import Script
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.middleware import CallNext

__all__ = ["Answering", "NotAnswered", "judge_role", "writes"]

_SCRIPTED = "scripted"


class NotAnswered(MissingRequirement):
    """A step asks its agent, and the test has neither answers for it nor asked for real agents."""


def judge_role(label: str) -> str:
    """Return the name of the role that a judge asks its agent in."""
    return f"judge {label}"


def writes(files: Mapping[str, str | None], output: Any = "") -> Callable[[AgentRequest], Any]:
    """Make an answer that writes files into the workspace first, as an agent would.

    Args:
        files: Text by path relative to the workspace; None: the file is deleted.
        output: The output.

    Raises:
        UsageError: A path leads out of the workspace; when the answer is given.
    """

    async def answer(request: AgentRequest) -> Any:
        await asyncio.to_thread(_write, request.workspace, files)
        return output

    return answer


def _write(workspace: Path, files: Mapping[str, str | None]) -> None:
    root = workspace.resolve()
    for name, text in files.items():
        path = root.joinpath(*PurePosixPath(name).parts)
        if not path.resolve().is_relative_to(root):
            raise UsageError(
                f"the file {name!r} would not lie in the workspace", remedy="Give a path within it."
            )
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Answering:
    """A middleware that gives each call its scripted answer.

    A call is answered from the script of its step (an item of a ``for_each``: of ``STEP[INDEX]``, else of ``STEP``),
    without one from that of its agent, without one from the common answers. A call of a judge's agent is answered from
    the script of the judge alone.

    Args:
        answers: Scripts by name of the step; or the common answers, a list or a function.
        agents: Scripts by name of the agent.
        judges: Scripts by name of the judge.
        live: Whether a call without a script goes on to its real agent.
    """

    def __init__(
        self,
        answers: Script | Mapping[str, Script] | None,
        agents: Mapping[str, Script] | None,
        judges: Mapping[str, Script] | None,
        *,
        live: bool,
    ) -> None:
        from collections.abc import Mapping as AnyMapping

        by_step = answers if isinstance(answers, AnyMapping) else {}
        self._steps = {name: AnswerList(f"of step {name!r}", script) for name, script in by_step.items()}
        self._agents = {name: AnswerList(f"of agent {name!r}", each) for name, each in (agents or {}).items()}
        self._judges = {
            judge_role(name): AnswerList(f"of judge {name!r}", each) for name, each in (judges or {}).items()
        }
        common = answers is not None and not isinstance(answers, AnyMapping)
        self._common = AnswerList("for all steps", answers) if common else None  # type: ignore[arg-type]  # no mapping
        self._live = live
        self.requests: list[AgentRequest] = []
        """Every call so far, also those of real agents."""

    def check(self, steps: Iterable[str], agents: Iterable[str]) -> None:
        """Refuse scripts for what the loop does not have.

        Raises:
            UsageError: There is no such step or agent.
        """
        known = {"step": set(steps), "agent": set(agents)}
        for kind, scripts in (("step", self._steps), ("agent", self._agents)):
            for name in scripts:
                if name.partition("[")[0] not in known[kind] and name not in known[kind]:
                    raise UsageError(
                        f"there are answers for the {kind} {name!r}, and the loop has no such {kind}"
                        f"{hint(name, known[kind])}",
                        remedy=f"It has {', '.join(sorted(known[kind]))}.",
                    )

    def unused(self) -> dict[str, int]:
        """Return how many answers were not asked for, by the name of their step, agent or judge; ``*``: common ones."""
        lists = {**self._steps, **self._agents, **self._judges}
        if self._common is not None:
            lists["*"] = self._common
        return {name: each.unused for name, each in lists.items() if each.unused}

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        """Answer a call.

        Raises:
            NotAnswered: There is no script for it.
            ScriptUsedUp: Its script has no answer left.
        """
        self.requests.append(request)
        script = self._script(request)
        if script is None:
            # An agent of that provider is a script itself.
            if self._live or request.agent.config.provider == _SCRIPTED:
                return await call_next(request)
            raise _not_answered(request)
        reply = await reply_to(script.take(request), request)
        if reply.cost_usd is None and not reply.token_usage:
            reply.cost_usd, reply.cost_source = 0.0, "reported"
        reply.metadata = {**reply.metadata, "scripted": True}
        return reply

    def _script(self, request: AgentRequest) -> AnswerList | None:
        role = request.agent.name
        if _is_of_judge(request):
            return self._judges.get(role)
        for step in (request.step, request.step.partition("[")[0]):
            if step in self._steps:
                return self._steps[step]
        return self._agents.get(role) or self._common


def _is_of_judge(request: AgentRequest) -> bool:
    """Whether a gate's judge asks; the engine calls that ``STEP gate GATE N``."""
    return request.agent.name.startswith("judge ") and " gate " in request.step


def _not_answered(request: AgentRequest) -> NotAnswered:
    """The run ends with the message alone, so that says what to do, too."""
    if _is_of_judge(request):
        name = request.agent.name.removeprefix("judge ")
        return NotAnswered(
            f"the judge {name!r} asks its agent, and the test has no answer for it: give judges={{{name!r}: […]}}",
        )
    return NotAnswered(
        f"step {request.step!r} asks its agent {request.agent.name!r} ({request.agent.config.provider}), and the test "
        f"has no answer for it: give answers={{{request.step!r}: […]}}",
    )
