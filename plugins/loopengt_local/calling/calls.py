"""The calls of one attempt: looked up in the journal where it is taken up again, else made and written down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.calls import PersonAnswer, PersonQuestion, ToolOutcome
from loopengt_hookspecs.errors import LeaseLost, StorageError
from loopengt_hookspecs.model_adapters import ModelResponse
from loopengt_local.calling.asking import Asking
from loopengt_local.calling.keys import Conversation, digest_of
from loopengt_local.calling.past import PastCalls
from loopengt_local.calling.persons import ask_person
from loopengt_local.calling.tool_calls import call_tool
from loopengt_local.control import EndRun
from loopengt_local.replies import spending
from loopengt_local.requests import idempotency_key
from loopengt_local.retry import Failure

if TYPE_CHECKING:
    from loopengt.journal import CallsUse, OpenStep
    from loopengt_hookspecs.model_adapters import ModelRequest
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.tools import ToolOffer
    from loopengt_local.budgeting.reservations import Reservation
    from loopengt_local.calling.toolbox import Offered
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.deadlines import Deadline
    from loopengt_local.run import LocalRun

__all__ = ["AttemptCalls"]


class AttemptCalls:
    """Implements ``loopengt_hookspecs.calls.Calls`` for one attempt.

    Args:
        run: The run.
        step: The step, or instance.
        occurrence: Which execution of the step.
        attempt: Which attempt of that execution.
    """

    def __init__(self, run: LocalRun, step: CompiledStep, occurrence: int, attempt: int) -> None:
        self.run = run
        self.step = step
        self.attempt = attempt
        self._occurrence = occurrence
        self.reservation: Reservation | None = None
        self.deadline: Deadline | None = None
        self.ended: EndRun | None = None
        """How the run ends, once a call has said so; the agent may have caught the exception."""
        self.closed = False
        """Whether the attempt is over: nothing more may be written down."""
        self.waited = 0.0
        """Seconds that people took to answer."""
        opened = self._opened()
        known = opened.calls if opened is not None else None
        # Those of an attempt that this one goes on from count as one with it: the same call has the same key.
        begun = attempt if known is None else known.since
        self.key = idempotency_key(run.run_id, step.name, occurrence, begun)
        self.past = PastCalls(opened)
        """What is recorded of the attempt's calls."""
        self.prefix = ""
        """Stands before the keys of calls that another agent makes within this attempt."""
        self._tools: Sequence[str] = step.tools
        self._others = 0
        self._numbers: dict[str, int] = {}
        self._conversation = Conversation()
        self._offered: dict[str, Offered] | None = None
        self._offering: asyncio.Task[dict[str, Offered]] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asking = Asking(self)

    # -- the contract -----------------------------------------------------------------------------------------

    async def offers(self) -> Sequence[ToolOffer]:
        """Return the tools that this attempt may call."""
        return [offered.offer for offered in (await self.offered()).values()]

    async def model(
        self, request: ModelRequest, send: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Make one request to a model, or return the recorded response."""
        call = self.next_call("model")
        digest = self._conversation.digest(request)
        recorded = self.recorded(call, digest)
        if recorded is not None:
            return ModelResponse.from_data(recorded.data["response"] | _spent_in(recorded.data))
        self._check_budgets()
        journal = self.run.journal
        data = {"attempt": self.attempt, "call": call, "messages": len(request.messages)}
        if request.tools:
            data["tools"] = len(request.tools)
        journal.note("model.request", self.step.name, data)
        began = perf_counter()
        try:
            with self.working():
                response = await send(request)
            taken, size = self._taken(response)
        except (LeaseLost, StorageError, EndRun):
            raise
        except Exception as exc:
            failure = Failure.of(exc, self.run.compiled.intake.text)
            failed = {"attempt": self.attempt, "call": call, "error": failure.text}
            journal.note(
                "model.error",
                self.step.name,
                failed | {"kinds": list(failure.kinds), "duration": _since(began)},
            )
            raise
        data = self.made(call, digest) | {"response": taken}
        data |= spending(response.token_usage, response.cost_usd) | {"duration": _since(began)}
        await self.note("model.response", data, "response", size)
        await journal.commit()
        self._draw()
        return ModelResponse.from_data(taken | _spent_in(data))

    async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> ToolOutcome:
        """Call a tool, or return the recorded outcome."""
        return await call_tool(self, self.next_call("tool"), name, arguments, call_id)

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        """Ask a person, and wait for the answer."""
        return await ask_person(self, self.next_call("ask"), question)

    def progress(self, text: str) -> None:
        """Show a piece of what the agent is writing."""
        run = self.run
        if text:
            data = {"text": run.compiled.intake.text(text)}
            run.call_in_loop(run.journal.show, "agent.progress", self.step.name, data)

    # -- what the makers of calls share -----------------------------------------------------------------------

    def next_call(self, kind: str) -> str:
        """Return the key of the next call of a kind: they are numbered in the order in which they are asked for."""
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{self.prefix}{kind} {number}"

    def begin_other(self, tools: Sequence[str]) -> AttemptCalls:
        """Return the calls of another agent that works within this attempt; they are numbered apart.

        Args:
            tools: Names of the tools that it may call.
        """
        self._others += 1
        other = copy(self)
        other.prefix = f"{self.prefix}other {self._others}/"
        other._numbers, other._others = {}, 0
        other._tools, other._offered, other._offering = tools, None, None
        other._conversation = Conversation()
        return other

    def recorded(self, call: str, digest: str) -> Event | None:
        """Return what is recorded of a call; None: it is to be made."""
        return self.past.take(call, digest, self.run.journal.position)

    def made(self, call: str, digest: str) -> dict[str, Any]:
        """Return what every event says with which a call comes out."""
        data = {"attempt": self.attempt, "call": call, "digest": digest}
        return data if self.past.anew is None else data | {"anew": self.past.anew}

    async def offered(self) -> dict[str, Offered]:
        """Return what the tools of this attempt offer, by name; they are asked once an attempt."""
        if self._offered is None:
            if self._offering is None:
                self._offering = asyncio.create_task(self._ask_tools(), name="loopengt offers")
                self._tasks.add(self._offering)
            self._offered = await asyncio.shield(self._offering)
        return self._offered

    async def note(self, kind: str, data: dict[str, Any], key: str, size: int) -> None:
        """Note an event whose value under ``key``, of ``size`` bytes, may be large."""
        if size > 4096:
            await self.run.journal.note_large(kind, self.step.name, data, key)
        else:
            self.run.journal.note(kind, self.step.name, data)

    def working(self) -> AbstractContextManager[None]:
        """Within this context something is under way: nobody is asked meanwhile, as that may pause the run."""
        return self._asking.working()

    def asking(self) -> AbstractContextManager[None]:
        """Within this context, inside of ``working``, it is not."""
        return self._asking.resting()

    async def decision(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask a person, as soon as nothing else of this attempt is under way, and return the answer.

        Returns:
            Data of the ``approval.decision`` event.

        Raises:
            EndRun: Nobody is there: the run pauses.
        """
        known = self.run.fold.decisions.get(question["id"])
        return dict(known) if known is not None else await self._asking.ask(question)

    def spawn(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Do something in a task of its own, which ends with the attempt."""

        async def done() -> Any:
            return await work

        task = asyncio.create_task(done(), name=f"loopengt call of {self.step.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- for the attempt ----------------------------------------------------------------------------------------

    @property
    def use(self) -> CallsUse | None:
        """What the requests of this attempt have used, those before a crash included; None: nothing."""
        opened = self._opened()
        return opened.use if opened is not None else None

    async def close(self) -> None:
        """The attempt is over: end what is still under way."""
        self.closed = True
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel("the attempt is over")
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- inside -------------------------------------------------------------------------------------------------

    def _opened(self) -> OpenStep | None:
        opened = self.run.fold.open.get(self.step.name)
        # Of another execution, which was cancelled, until this one's start is durable.
        return opened if opened is not None and opened.occurrence == self._occurrence else None

    def _taken(self, response: ModelResponse) -> tuple[dict[str, Any], int]:
        """Take a response in; its tokens and cost stand beside it in the event."""
        if not isinstance(response, ModelResponse):
            raise TypeError(f"send returned a Python {type(response).__name__} in place of a ModelResponse")
        data = response.to_data()
        data.pop("token_usage", None)
        data.pop("cost_usd", None)
        taken, size = self.run.compiled.intake.data(data)
        return taken, size

    def _draw(self) -> None:
        """Tell the budgets what the requests have used so far."""
        if self.reservation is not None and (use := self.use) is not None:
            self.run.budgets.draw(self.reservation, self.step, use)

    def _check_budgets(self) -> None:
        """Refuse a further request when the budgets have nothing left for this attempt.

        Raises:
            EndRun: They have not.
        """
        use = self.use
        if self.reservation is not None and use is not None:
            try:
                self.run.budgets.check_use(self.reservation, self.step, use)
            except EndRun as exc:
                self.ended = exc
                raise

    async def _ask_tools(self) -> dict[str, Offered]:
        run = self.run
        with self.working():
            offered = await run.compiled.toolbox.offers(self._tools, run.workspace)
        if offered:
            shown = [
                {
                    "name": one.offer.name,
                    "source": one.offer.source,
                    "effects": one.offer.effects.value,
                    "description": one.offer.description,
                    "schema": one.offer.input_schema,
                }
                for one in offered.values()
            ]
            data, size = run.compiled.intake.data(shown)
            digest = digest_of(data)
            whose = f"{self.prefix}{self.step.declared}"
            if run.offers_noted.get(whose) != digest:
                run.offers_noted[whose] = digest
                await self.note("tool.offer", {"attempt": self.attempt, "tools": data}, "tools", size)
        return offered


def _since(began: float) -> float:
    return round(perf_counter() - began, 6)


def _spent_in(data: dict[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in ("token_usage", "cost_usd") if key in data}
