"""The suite that every middleware passes; its author subclasses it in a test module.

::

    from loopengt.testing import MiddlewareContract

    class TestMine(MiddlewareContract):
        def make(self, folder):
            return Mine()
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts import base
from loopengt.testing.contracts.base import Contract, caught_async, guarded, require, rule, skip
from loopengt.testing.contracts.cancelling import cancelled_in_time
from loopengt.testing.contracts.requests import agent_request
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.errors import AgentError, LoopengtError, MissingRequirement, RateLimited

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.middleware import Middleware

__all__ = ["MiddlewareContract"]


class MiddlewareContract(Contract):
    """Every rule of ``loopengt_hookspecs.middleware.Middleware`` as a test; override ``make(self, folder)``."""

    passes_on: ClassVar[bool] = True
    """Whether it has the agent answer, once; False: it may answer itself, or ask again."""
    passes_errors: ClassVar[bool] = True
    """Whether errors of the agent come out of it as they are."""

    @rule
    def test_it_is_an_async_callable(self, middleware: Middleware, folder: Path) -> None:
        """Middleware is awaited with a request and the rest of the chain."""
        called = middleware if inspect.isroutine(middleware) else type(middleware).__call__
        require(
            inspect.iscoroutinefunction(called),
            f"{middleware!r} is no coroutine function",
            "Write async def.",
        )

    @rule
    async def test_the_agent_is_asked_once(self, middleware: Middleware, folder: Path) -> None:
        """The rest of the chain is awaited exactly once, with the request or a changed copy of it."""
        self._skip_unless_it_passes_on()
        seen: list[Any] = []
        await self._reply(middleware, folder, seen=seen)
        require(len(seen) == 1, f"the agent was asked {len(seen)} times", "Await call_next(request) once.")
        same = isinstance(seen[0], AgentRequest) and seen[0].idempotency_key == _KEY
        require(
            same, f"it passed {seen[0]!r:.80} on", "Pass the request on, or dataclasses.replace(request, …)."
        )

    @rule
    async def test_the_reply_comes_back(self, middleware: Middleware, folder: Path) -> None:
        """What comes out is an ``AgentReply``, with the output, the usage and the cost that the agent gave."""
        given = AgentReply({"text": "fine"}, {"prompt_tokens": 3}, cost_usd=0.25, cost_source="reported")
        try:
            reply = await self._reply(middleware, folder, given)
        except LoopengtError as exc:
            require(
                not self.passes_on,
                f"it raised {type(exc).__name__}: {exc}",
                "Return what call_next returned.",
            )
            return
        kind = type(reply).__name__
        require(
            isinstance(reply, AgentReply), f"it returned a Python {kind}", "Return what call_next returned."
        )
        if self.passes_on:
            kept = (reply.output, reply.token_usage, reply.cost_usd)
            fact = f"the agent's reply came back as {kept!r}"
            require(
                kept == ({"text": "fine"}, {"prompt_tokens": 3}, 0.25), fact, "Keep output, usage and cost."
            )

    @rule
    async def test_errors_pass_through(self, middleware: Middleware, folder: Path) -> None:
        """An agent's error comes out as it is, so that the engine retries, waits or ends as it should."""
        if not self.passes_errors:
            skip("passes_errors is False")
        for error in (
            AgentError("it failed", kind="ServerError"),
            RateLimited("wait", retry_after=2.0),
            MissingRequirement("no key", remedy="set KEY"),
            RuntimeError("a bug"),
        ):
            raised = await caught_async(self._call(middleware, folder, error))
            said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
            fact = f"the agent raised {type(error).__name__}, and {said} came out"
            require(raised is error, fact, "Raise it again: a bare raise.")

    @rule
    async def test_cancelling_passes_through(self, middleware: Middleware, folder: Path) -> None:
        """Cancelled while the agent works, it ends at once with ``CancelledError``."""
        if not self.passes_on:
            skip("passes_on is False")
        await cancelled_in_time(self._call(middleware, folder, hang=True), "the middleware")

    @rule
    async def test_the_request_stays_as_it_is(self, middleware: Middleware, folder: Path) -> None:
        """The request is the same afterwards: what is passed on changed is a copy."""
        request = _request(folder)
        before = {name: copy.deepcopy(getattr(request, name)) for name in _FIELDS}
        await caught_async(self._call(middleware, folder, request=request))
        changed = [name for name, value in before.items() if getattr(request, name) != value]
        require(not changed, f"it changed {changed} of the request", "Use dataclasses.replace(request, …).")

    @rule
    async def test_attempts_may_run_at_once(self, middleware: Middleware, folder: Path) -> None:
        """Attempts at the same time do not wait for each other, and each gets its own reply."""
        self._skip_unless_it_passes_on()
        gate = asyncio.Barrier(3)

        async def agent(request: AgentRequest) -> AgentReply:
            await gate.wait()
            return AgentReply(request.run_id)

        requests = [_request(folder, number) for number in (1, 2, 3)]
        try:
            async with asyncio.timeout(base.QUICK_SECONDS):
                with guarded("three attempts at once", TimeoutError):
                    replies = await asyncio.gather(*(middleware(one, agent) for one in requests))
        except TimeoutError:
            require(False, "attempts waited for each other", "Hold no lock while you await call_next.")
        got = [reply.output for reply in replies]
        require(
            got == [one.run_id for one in requests], f"the replies were {got}", "Keep nothing of an attempt."
        )

    # Inside

    def _skip_unless_it_passes_on(self) -> None:
        if not self.passes_on:
            skip("passes_on is False")

    async def _call(
        self,
        middleware: Middleware,
        folder: Path,
        result: AgentReply | Exception | None = None,
        *,
        seen: list[Any] | None = None,
        request: AgentRequest | None = None,
        hang: bool = False,
    ) -> Any:
        async def agent(given: AgentRequest) -> AgentReply:
            if seen is not None:
                seen.append(given)
            await (asyncio.Event().wait() if hang else asyncio.sleep(0))
            if isinstance(result, Exception):
                raise result
            return result or AgentReply("fine")

        return await middleware(request or _request(folder), agent)

    async def _reply(self, middleware: Middleware, folder: Path, *result: Any, seen: Any = None) -> Any:
        with guarded("an attempt whose agent answers", LoopengtError):
            return await self._call(middleware, folder, *result, seen=seen)


_FIELDS = ("run_id", "step", "prompt", "system_prompt", "feedback", "agent", "context", "idempotency_key")
_KEY = "run-1/work/1/1"


def _request(folder: Path, number: int = 1) -> AgentRequest:
    from loopengt_hookspecs.models import AgentConfig, AgentRole

    role = AgentRole(name="worker", config=AgentConfig(provider="scripted"))
    return agent_request(role, folder, "Do it.", context={"topic": ["a"]}, number=number)
