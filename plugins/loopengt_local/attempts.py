"""Makes one attempt at a step: calls its agent within time and budgets, and writes down what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt_hookspecs.errors import AgentError, LeaseLost, StorageError
from loopengt_local.budgeting.pricing import price_attempt
from loopengt_local.calling.lazy import LazyCalls
from loopengt_local.calling.summaries import write_summary
from loopengt_local.chain import around
from loopengt_local.control import EndRun
from loopengt_local.gating import check_input
from loopengt_local.replies import EMITTED, response_data
from loopengt_local.requests import make_request, prompt_scope, render_prompts
from loopengt_local.retry import Failure

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_local.budgeting.reservations import Reservation
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.deadlines import Deadline
    from loopengt_local.remembering.fitting import FitRule
    from loopengt_local.run import LocalRun

__all__ = ["AgentAttempt"]

# How long an append proves that the run is still ours; an attempt that begins later is recorded first.
PROVEN_SECONDS = 1.0


class AgentAttempt:
    """One attempt.

    Args:
        run: The run.
        step: The step, or instance.
        turn: The turn that the execution takes.
        occurrence: Which execution of the step it belongs to, from 1.
        number: Which attempt of that execution it is, from 1.
    """

    __slots__ = (
        "_calls",
        "_journal",
        "_number",
        "_occurrence",
        "_prompt_size",
        "_reservation",
        "_run",
        "_step",
        "_turn",
        "extra",
        "response",
    )

    def __init__(self, run: LocalRun, step: CompiledStep, turn: int, occurrence: int, number: int) -> None:
        self._run = run
        self._journal = run.journal
        self._step = step
        self._turn = turn
        self._occurrence = occurrence
        self._number = number
        self._reservation: Reservation | None = None
        self._prompt_size = 0
        self._calls: LazyCalls
        self.response: dict[str, Any] = {}
        """Data of the ``agent.response`` event, once the agent has answered."""
        self.extra: dict[str, Any] = {}
        """What that event says beside what the agent answers."""

    async def make(self, feedback: str, names: Mapping[str, Any] | None) -> Failure | None:
        """Call the agent, as soon as the budgets admit it; None: it has answered.

        Args:
            feedback: Why the previous attempt was not good enough.
            names: Names that the prompt sees beside those of the run.

        Raises:
            EndRun: A budget is exhausted, or the prompt names something that the run does not hold.
        """
        run, step = self._run, self._step
        self._calls = calls = LazyCalls(run, step, self._occurrence, self._number)
        request = make_request(run, step, self._occurrence, self._number, feedback, names, self._emit, calls)
        try:
            return await self._admitted(request, names)
        finally:
            if calls.made is not None:
                await calls.made.close()

    async def _admitted(self, request: AgentRequest, names: Mapping[str, Any] | None) -> Failure | None:
        """Dispatch the request as soon as the budgets admit it."""
        run, step, calls = self._run, self._step, self._calls
        if not run.budgets.active:
            return await self._dispatch(request, names, None)
        opened = run.fold.open.get(step.name)
        begins = opened is None or opened.occurrence != self._occurrence
        self._reservation = reservation = await run.budgets.admit(step, request, takes_turn=begins)
        try:
            return await self._dispatch(request, names, reservation)
        finally:
            run.budgets.release(reservation)
            self._reservation = calls.reservation = None

    async def _dispatch(
        self, request: AgentRequest, names: Mapping[str, Any] | None, reservation: Reservation | None
    ) -> Failure | None:
        step, journal, calls = self._step, self._journal, self._calls
        self._prompt_size = len(request.prompt) + len(request.system_prompt)
        start: dict[str, Any] = {
            "turn": self._turn,
            "occurrence": self._occurrence,
            "attempt": self._number,
            "agent": step.role.name,
        }
        if step.declared != step.name:
            start["of"] = step.declared
        self._start(start)
        if reservation is not None:
            self._run.budgets.started(reservation)
        if step.fit is not None:
            failure = await self._fit(step.fit, request, names)
            if failure is not None:
                return failure
        if step.input_gate is not None:
            wrong = await check_input(self._run, step.input_gate, request, names)
            if wrong:
                return self.failed(Failure(wrong, ("InputError",)))
        config = step.role.config
        invoke = {"provider": config.provider, "prompt": self._run.compiled.intake.text(request.prompt)}
        if "model" in config.model_fields_set:
            invoke["model"] = config.model
        if len(request.prompt) > 4096:
            await journal.note_large("agent.invoke", step.name, invoke, "prompt")
        else:
            journal.note("agent.invoke", step.name, invoke)
        if step.once or step.child is not None or journal.now() - self._run.fold.at > PROVEN_SECONDS:
            await journal.commit()  # refused where another process has taken the run over
        began = perf_counter()
        deadline = self._run.deadlines.begin(step.timeout)
        if reservation is not None:
            self._run.budgets.begin(reservation, deadline)
        calls.deadline, calls.reservation = deadline, reservation
        try:
            reply = await self._call(request, deadline)
            if deadline.expired:  # it answered all the same, at the last moment
                await deadline.settle()
            if calls.made is not None:
                await calls.made.close()
                if calls.made.ended is not None:
                    raise calls.made.ended
            await self._record(reply, self._since(began))
            return None
        except (LeaseLost, StorageError, EndRun):
            raise
        except asyncio.CancelledError as exc:
            if not deadline.take_back():
                raise
            failure = Failure.of(
                exc, self._run.compiled.intake.text
            )  # where it was not our time limit, something inside the agent was cancelled
        except Exception as exc:
            if deadline.expired:
                await deadline.settle()
            elif not isinstance(exc, AgentError):
                get_logger("loopengt.local").warning("agent raised", step=step.name, exc_info=exc)
            failure = Failure.of(exc, self._run.compiled.intake.text)
        finally:
            self._run.deadlines.end(deadline)
        if calls.made is not None:
            await calls.made.close()  # nothing of it may be written down behind its failure
        if calls.made is not None and calls.made.ended is not None:
            raise calls.made.ended  # the agent has taken it for an error of its own
        if deadline.expired:
            text = f"step {step.name!r} took longer than its {step.timeout:g} seconds"
            failure = Failure(text, ("TimeoutError", "OSError"))
        return failure if failure.rate_limited else self.failed(failure, began)

    async def _fit(
        self, rule: FitRule, request: AgentRequest, names: Mapping[str, Any] | None
    ) -> Failure | None:
        """Bring what the prompt takes from the run under the step's limit; None: that is done."""
        run, step = self._run, self._step
        self._calls.reservation = self._reservation
        scope = prompt_scope(run, self._occurrence, request.feedback, names)
        began = perf_counter()
        deadline = self._calls.deadline = run.deadlines.begin(step.timeout)
        try:
            fitted = await rule.fit(
                step.prompt, scope, lambda text: write_summary(self._calls, request, text)
            )
        except AgentError as exc:
            return self.failed(Failure.of(exc, run.compiled.intake.text), began)
        except asyncio.CancelledError:
            if not deadline.take_back():
                raise
            text = f"step {step.name!r} took longer than its {step.timeout:g} seconds to summarize"
            return self.failed(Failure(text, ("TimeoutError", "OSError")), began)
        finally:
            run.deadlines.end(deadline)
            self._calls.deadline = None
        if fitted is not None:
            told: dict[str, Any] = {"summarized": sorted(".".join(map(str, path)) for path in fitted.texts)}
            told |= {"tokens_before": fitted.before, "tokens_after": fitted.after}
            self._journal.note("custom", step.name, told)
            request.prompt, _ = render_prompts(
                run, step, self._occurrence, self._number, request.feedback, names, fitted.texts
            )
            self._prompt_size = len(request.prompt) + len(request.system_prompt)
        return None

    def _start(self, start: dict[str, Any]) -> None:
        self._journal.note("step.start", self._step.name, start)

    async def _call(self, request: AgentRequest, deadline: Deadline) -> AgentReply:
        assert self._step.invoke is not None, "only a step that runs a loop has no agent"
        middleware = self._run.middleware
        invoke = around(self._step.invoke, middleware) if middleware else self._step.invoke
        return await invoke(request)

    def _emit(self, kind: str, data: dict[str, Any]) -> None:
        if kind not in EMITTED:
            raise AgentError(
                f"agent {self._step.role.name!r} emits {kind!r}, which is not an event for agents",
                remedy=f"Emit one of: {', '.join(sorted(EMITTED))}.",
            )
        # Those are the words of the pattern, and of what the engine does itself.
        data = {key: value for key, value in data.items() if key not in ("decided", "call", "occurrence")}
        # Agents may emit from a thread of their own; the journal belongs to the loop's.
        self._run.call_in_loop(
            self._journal.note, kind, self._step.name, self._run.compiled.intake.data(data)[0]
        )

    async def _record(self, reply: AgentReply, duration: float) -> None:
        data, size = response_data(
            reply, self._step.role.name, self._number, duration, self._run.compiled.intake
        )
        data |= self.extra
        self._add_calls(data)
        if "cost_usd" not in data:
            budgets = self._run.budgets
            price_attempt(self._step, budgets, self._reservation, data, self._prompt_size, size)
        self.response = data
        if size > 4096:
            await self._journal.note_large("agent.response", self._step.name, data, "output")
        else:
            self._journal.note("agent.response", self._step.name, data)
        if self._reservation is not None:
            self._run.budgets.settle(self._reservation, data)
            self._run.budgets.check(self._reservation, data)

    def _since(self, began: float) -> float:
        """Return the seconds since a moment, without those for which people were waited for."""
        made = self._calls.made
        return max(0.0, perf_counter() - began - (made.waited if made is not None else 0.0))

    def _add_calls(self, data: dict[str, Any]) -> None:
        """Add to the data of ``agent.response`` or ``agent.error`` what the requests to models have used."""
        opened = self._run.fold.open.get(self._step.name)
        use = opened.use if opened is not None else None
        if use is None:
            return
        usage = dict(data.get("token_usage", {}))
        for kind, count in use.token_usage.items():
            usage[kind] = usage.get(kind, 0) + count
        if usage:
            data["token_usage"] = usage
        if not use.unpriced:
            data["cost_usd"] = data.get("cost_usd", 0.0) + use.cost_usd
            data.setdefault("cost_source", "reported")

    def failed(self, failure: Failure, began: float | None = None) -> Failure:
        """Write down that the attempt has failed.

        Args:
            failure: How.
            began: When the agent was called, by ``perf_counter``; None: it was not.

        Raises:
            EndRun: The seconds of a budget were over in the midst of it.
        """
        budgets, reservation = self._run.budgets, self._reservation
        if reservation is not None and reservation.struck is not None:
            failure = budgets.failure_of(reservation)
        data: dict[str, Any] = {
            "attempt": self._number,
            "error": failure.text,
            "kinds": list(failure.kinds),
            "duration": 0.0 if began is None else round(self._since(began), 6),
            **failure.spent,
        }
        self._add_calls(data)
        if failure.fatal:
            data["fatal"] = True
        if failure.starts_over:
            data["starts_over"] = True
        if failure.retry_after is not None:
            data["retry_after"] = failure.retry_after
        if began is not None and "cost_usd" not in data:
            price_attempt(self._step, budgets, reservation, data, self._prompt_size, 0)
        self._journal.note("agent.error", self._step.name, data)
        if reservation is not None:
            budgets.settle(reservation, data)
            budgets.check(reservation, data)
        return failure
