"""Asks the agent of a judge, patiently, and keeps what it answers."""

from __future__ import annotations

import asyncio
import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from loopengt.judging.answers import read_answer
from loopengt_hookspecs.errors import AgentError, JudgeError, MissingRequirement, RateLimited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt.judging.scoring import Spent
    from loopengt_hookspecs.agents import Agent, AgentReply
    from loopengt_hookspecs.gates import InvokeAgent
    from loopengt_hookspecs.models import AgentRole

__all__ = ["Asking"]

_TRIES = 4
_WAIT_SECONDS = 1.0
_PASSING = frozenset({"ConnectionError", "OverloadedError", "RateLimited", "ServerError", "TimeoutError"})
"""Kinds of errors after which the same may go well a moment later."""


class Asking:
    """Implements ``loopengt_hookspecs.judges.Ask``.

    Args:
        agent: The agent; None: the judge has said that it asks nobody.
        role: Its role.
        invoke: Invokes it.
        spent: To which is added what it uses.
        seconds: How long the verdict may take, from now.
    """

    def __init__(
        self, agent: Agent | None, role: AgentRole | None, invoke: InvokeAgent, spent: Spent, seconds: float
    ) -> None:
        self._agent = agent
        self._role = role
        self._invoke = invoke
        self._spent = spent
        self._until = asyncio.get_running_loop().time() + seconds
        self._answers: list[str] = []
        self.ended: Exception | None = None
        """Why no judge can come to a verdict now: its agent lacks something, or the engine has ended the run."""

    @property
    def answers(self) -> str:
        """What the agent has answered, word for word; several answers with an empty line between them."""
        return "\n\n".join(self._answers)

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
        reply = await self._patiently(self._agent, role, prompt, system_prompt)
        self._spent.add(reply.token_usage, reply.cost_usd)
        self._answers.append(reply.output if isinstance(reply.output, str) else _as_text(reply.output))
        return reply.output if schema is None else read_answer(reply.output, schema, prompt)

    async def _patiently(self, agent: Agent, role: AgentRole, prompt: str, system_prompt: str) -> AgentReply:
        """Invoke the agent, again after what passes by itself."""
        for number in range(1, _TRIES + 1):
            try:
                return await self._invoke(agent, role, prompt, system_prompt)
            except MissingRequirement as exc:
                self.ended = exc
                raise
            except AgentError as exc:
                self._spent.add(exc.token_usage or {}, exc.cost_usd or 0.0)
                if number == _TRIES or _PASSING.isdisjoint((exc.kind, *exc.kinds)):
                    raise
                await self._wait(exc, number)
            except Exception as exc:
                self.ended = exc
                raise
        raise AssertionError("the last try returns or raises")

    async def _wait(self, error: AgentError, number: int) -> None:
        """Wait before another try.

        Raises:
            MissingRequirement: The service takes nothing for longer than the verdict may take.
        """
        told = error.retry_after
        if not isinstance(told, int | float) or not isfinite(told) or told < 0:
            told = None
        left = self._until - asyncio.get_running_loop().time()
        if told is not None and told > left and isinstance(error, RateLimited):
            self.ended = MissingRequirement(
                f"{error.message}\nIt takes nothing for {told:.0f} seconds, which is longer than the judge may take.",
                remedy="Resume the run later, or raise timeout_seconds of the judge and its gate.",
                kind=error.kind,
            )
            raise self.ended
        await asyncio.sleep(_WAIT_SECONDS * 2 ** (number - 1) if told is None else told)


def _as_text(output: Any) -> str:
    try:
        return json.dumps(output, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return repr(output)
