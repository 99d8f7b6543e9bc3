"""The suite that every agent provider passes; its author subclasses it in a test module.

::

    from loopengt.testing import AgentContract

    class TestEcho(AgentContract):
        def make(self, folder):
            return Echo()
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import (
    Contract,
    caught_async,
    guarded,
    quick,
    require,
    requirements,
    rule,
    skip,
    still,
    whole_line,
)
from loopengt.testing.contracts.cancelling import cancelled_in_time
from loopengt.testing.contracts.data import fault_in
from loopengt.testing.contracts.options import check_model, fitting_options
from loopengt.testing.contracts.requests import agent_request
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import Agent, AgentProvider, AgentRequest
    from loopengt_hookspecs.models import AgentRole

__all__ = ["AgentContract"]

COST_SOURCES = ("reported", "estimated", "unknown")
FLAGS = ("reports_cost", "free", "takes_tools", "keeps_sessions")


class AgentContract(Contract):
    """Every rule of ``loopengt_hookspecs.agents.AgentProvider`` as a test.

    Override ``make(self, folder: Path) -> AgentProvider``, and give what its agents need to answer.
    """

    extra: ClassVar[Mapping[str, Any]] = {}
    """``config.extra`` of the role."""
    closed_options: ClassVar[bool] = True
    """Whether unknown keys are refused when a spec is loaded; False: it hands them to somebody who refuses them."""
    model: ClassVar[str] = "model-under-test"
    prompt: ClassVar[str] = "Say hello."
    """What is answered."""
    failing_prompt: ClassVar[str | None] = None
    """What makes an attempt fail; None: nothing that the suite could say."""
    failing_extra: ClassVar[Mapping[str, Any] | None] = None
    """``config.extra`` of a role that fails."""
    slow_extra: ClassVar[Mapping[str, Any] | None] = None
    """``config.extra`` of a role that takes longer than 5 seconds; None: as ``extra``."""

    @rule
    def test_its_options_are_a_closed_model(self, provider: AgentProvider, folder: Path) -> None:
        """``options`` is None or a pydantic model that takes the samples and refuses unknown keys."""
        given = fitting_options(provider.options, self.extra)
        check_model(provider.options, given, "the provider", closed=self.closed_options)

    @rule
    def test_plan_and_missing_do_nothing(self, provider: AgentProvider, folder: Path) -> None:
        """``bind``, ``plan`` and ``missing`` are quick, touch nothing, and answer in the promised form."""
        role = self._role(provider)
        with still("bind()", folder), quick("bind()"), guarded("bind()"):
            agent = provider.bind(role, folder)
        what = "plan() or missing()"
        with still(what, folder, looking=True), quick(what), guarded(what):
            plan, missing = agent.plan(), agent.missing()
        whole_line(plan, "plan()")
        requirements(missing, "missing()")

    @rule
    def test_what_it_says_of_itself_is_yes_or_no(self, provider: AgentProvider, folder: Path) -> None:
        """``reports_cost``, ``free``, ``takes_tools`` and ``keeps_sessions``, where it has them, are bools."""
        agent = self._bound(provider, folder)
        for flag in FLAGS:
            value = getattr(agent, flag, False)
            require(isinstance(value, bool), f"{flag} is {value!r}", "Make it True or False.")

    @rule
    async def test_the_reply_is_json_data(self, provider: AgentProvider, folder: Path) -> None:
        """An attempt returns an ``AgentReply`` whose output and metadata are JSON data."""
        reply = await self._answered(self._bound(provider, folder), self._request(provider, folder))
        fault = fault_in(reply.output, "the output") or fault_in(reply.metadata, "metadata")
        require(not fault, fault, "Return text or JSON data.")
        require(isinstance(reply.metadata, dict), f"metadata is {reply.metadata!r}", "Make it a dict.")

    @rule
    async def test_usage_and_cost_are_numbers(self, provider: AgentProvider, folder: Path) -> None:
        """Tokens are whole numbers by kind, the cost is dollars or None, and what a free agent costs is nothing."""
        agent = self._bound(provider, folder)
        reply = await self._answered(agent, self._request(provider, folder))
        usage = reply.token_usage
        sound = isinstance(usage, dict) and all(
            isinstance(kind, str) and type(count) is int and count >= 0 for kind, count in usage.items()
        )
        require(
            sound, f"token_usage is {usage!r}", 'Make it a dict of counts, such as {"prompt_tokens": 12}.'
        )
        cost = reply.cost_usd
        number = isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < float("inf")
        require(
            cost is None or number, f"cost_usd is {cost!r}", "Give US dollars, or None when nobody knows."
        )
        source = reply.cost_source
        require(
            source in COST_SOURCES, f"cost_source is {source!r}", f"Say one of {', '.join(COST_SOURCES)}."
        )
        if getattr(agent, "reports_cost", False):
            require(
                cost is not None, "reports_cost is true, and a reply has no cost_usd", "Say what it has cost."
            )
        if getattr(agent, "free", False):
            require(not cost, f"free is true, and a reply has cost {cost} dollars", "Take free away.")

    @rule
    async def test_the_request_stays_as_it_is(self, provider: AgentProvider, folder: Path) -> None:
        """The role and the context of a request are the same after it."""
        request = self._request(provider, folder)
        role, context = request.agent.model_copy(deep=True), copy.deepcopy(dict(request.context))
        await self._answered(self._bound(provider, folder), request)
        same = request.agent == role and dict(request.context) == context
        require(same, "an attempt changed the role or the context", "Copy what you change.")

    @rule
    async def test_attempts_may_run_at_once(self, provider: AgentProvider, folder: Path) -> None:
        """Two attempts at the same time are both answered, with replies of their own."""
        agent = self._bound(provider, folder)
        requests = [self._request(provider, folder, number) for number in (1, 2)]
        first, second = await asyncio.gather(*(self._answered(agent, request) for request in requests))
        shared = (
            first is second or first.token_usage is second.token_usage or first.metadata is second.metadata
        )
        require(
            not shared,
            "two attempts share one reply",
            "Make a new AgentReply for each: the engine adds to it.",
        )

    @rule
    async def test_events_are_named_and_json(self, provider: AgentProvider, folder: Path) -> None:
        """What an attempt emits has a type that the journal knows, and JSON data."""
        from loopengt_hookspecs.models import EventType

        seen: list[tuple[str, Any]] = []
        request = self._request(provider, folder)
        request.emit = lambda kind, data: seen.append((kind, data))
        await self._answered(self._bound(provider, folder), request)
        for kind, data in seen:
            known = kind in [each.value for each in EventType]
            require(known, f"it emitted an event of type {kind!r}", "Emit tool.call, tool.result or custom.")
            fault = "" if isinstance(data, dict) else "it is no dict"
            fault = fault or fault_in(data, "the event's data")
            require(not fault, f"{fault}: an event of type {kind}", "Emit JSON data.")

    @rule
    async def test_failures_are_agent_errors(self, provider: AgentProvider, folder: Path) -> None:
        """An attempt that fails raises ``AgentError``, with a kind that ``retryable_errors`` can name."""
        if self.failing_prompt is None and self.failing_extra is None:
            skip("give the suite failing_prompt or failing_extra")
        role = self._role(provider, self.failing_extra)
        with guarded("bind()"):
            agent = provider.bind(role, folder)
        prompt = self.prompt if self.failing_prompt is None else self.failing_prompt
        raised = await caught_async(agent.invoke(agent_request(role, folder, prompt)))
        said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
        require(
            isinstance(raised, AgentError),
            f"it raised {said}",
            'Raise AgentError("what happened", kind="…").',
        )
        assert isinstance(raised, AgentError)
        require(raised.kind.isidentifier(), f"its kind is {raised.kind!r}", "Name it as a class is named.")

    @rule
    async def test_it_is_cancelled_in_time(self, provider: AgentProvider, folder: Path) -> None:
        """Cancelled, an attempt ends within seconds, lets ``CancelledError`` pass, and ends what it has started."""
        role = self._role(provider, self.slow_extra)
        with guarded("bind()"):
            agent = provider.bind(role, folder)
        self._skip_unless_ready(agent)
        await cancelled_in_time(agent.invoke(agent_request(role, folder, self.prompt)), "the attempt")

    # Inside

    def _role(self, provider: AgentProvider, extra: Mapping[str, Any] | None = None) -> AgentRole:
        from loopengt_hookspecs.models import AgentConfig, AgentRole

        given = fitting_options(provider.options, self.extra if extra is None else extra)
        config = AgentConfig(provider="under_test", model=self.model, extra=given)
        return AgentRole(name="worker", config=config)

    def _bound(self, provider: AgentProvider, folder: Path) -> Agent:
        with guarded("bind()"):
            agent = provider.bind(self._role(provider), folder)
        self._skip_unless_ready(agent)
        return agent

    def _request(self, provider: AgentProvider, folder: Path, number: int = 1) -> AgentRequest:
        context = {"topic": ["a", {"b": 1}]}
        return agent_request(self._role(provider), folder, self.prompt, context=context, number=number)

    async def _answered(self, agent: Agent, request: AgentRequest) -> AgentReply:
        with guarded("an attempt", remedy="Give the suite extra and prompt that can be answered."):
            reply = await agent.invoke(request)
        kind = type(reply).__name__
        require(
            isinstance(reply, AgentReply), f"an attempt returned a Python {kind}", "Return an AgentReply."
        )
        return reply

    def _skip_unless_ready(self, agent: Agent) -> None:
        missing = agent.missing()
        if missing:
            skip(f"it needs something first: {missing[0]}")
