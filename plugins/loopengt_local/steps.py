"""Executes one step live: its attempts, its gates, and what follows each failure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, LeaseLost, StorageError
from loopengt_hookspecs.models import End, EndReason, OnFailure
from loopengt_local.control import EndRun
from loopengt_local.gating import check_gate, check_input
from loopengt_local.replies import EMITTED, response_data
from loopengt_local.requests import idempotency_key, make_request
from loopengt_local.retry import Failure

if TYPE_CHECKING:
    from loopengt.journal import OpenStep
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_local.compiled import BoundGate, CompiledStep
    from loopengt_local.run import LocalRun

__all__ = ["StepExecution"]

# How long an append proves that the run is still ours; an attempt that begins later is recorded first.
PROVEN_SECONDS = 1.0


class StepExecution:
    """One execution of a step, from its first attempt, or from where a crash left it, to its outcome."""

    __slots__ = (
        "_attempt",
        "_feedback",
        "_journal",
        "_names",
        "_occurrence",
        "_response",
        "_run",
        "_step",
        "_turn",
    )

    def __init__(
        self,
        run: LocalRun,
        step: CompiledStep,
        turn: int,
        occurrence: int,
        feedback: str,
        names: Mapping[str, Any] | None,
    ) -> None:
        self._run = run
        self._journal = run.journal
        self._step = step
        self._turn = turn
        self._occurrence = occurrence
        self._feedback = feedback
        self._names = names
        self._attempt = 1
        self._response: dict[str, Any] = {}

    async def execute(self, retry_gates: bool) -> StepOutcome:
        """Execute the step and return its outcome, durable."""
        step = self._step
        opened = self._run.fold.open.get(step.name)
        if opened is not None and opened.occurrence != self._occurrence:
            opened = None  # a branch that took the step was cancelled; this is another execution
        if opened is not None:
            await self._take_up(opened)
        while True:
            failure = await self._invoke_unless_answered(opened)
            if failure is not None:
                outcome = await self._after_failure(failure)
            else:
                outcome = await self._after_gates(opened, retry_gates)
            opened = None
            if outcome is not None:
                return outcome

    # -- after a crash ----------------------------------------------------------------------------------------

    async def _take_up(self, opened: OpenStep) -> None:
        self._attempt = opened.attempt
        if opened.attempt > 1:  # what the first attempt is told comes from the pattern, again
            self._feedback = opened.feedback
        self._response = opened.response or {}
        if opened.response is None and opened.error is None:
            if opened.invoked and self._step.once:
                self._settle_unknown(opened)
            else:
                # A clock that was set back must not make the wait longer than it was meant to be.
                await asyncio.sleep(max(0.0, min(opened.delay, opened.retry_at - time())))

    def _settle_unknown(self, opened: OpenStep) -> None:
        """Decide on an attempt with effects of which nobody knows whether it was made."""
        run, step = self._run, self._step
        key = idempotency_key(run.run_id, step.name, self._occurrence, opened.attempt)
        if run.unknown_outcome == "ask":
            question = (
                f"step {step.name!r} (effects: once) was under way when the run was lost; "
                "it may or may not have been done"
            )
            if key not in run.fold.questions:
                asked = {
                    "id": key,
                    "kind": "unknown_outcome",
                    "attempt": opened.attempt,
                    "question": question,
                }
                self._journal.note("approval.request", step.name, asked)
            raise EndRun(End(EndReason.APPROVAL_REQUIRED, question))
        decided = {
            "id": key,
            "kind": "unknown_outcome",
            "attempt": opened.attempt,
            "decision": run.unknown_outcome,
        }
        self._journal.note("approval.decision", step.name, decided)
        if run.unknown_outcome == "done":
            self._answered({"attempt": opened.attempt, "output": None, "metadata": {"assumed": "done"}})
            opened.response = self._response
        elif run.unknown_outcome == "fail":
            error = f"step {step.name!r} is taken as failed: its outcome was lost in a crash"
            opened.error = {"attempt": opened.attempt, "error": error, "kinds": ["UnknownOutcome"]}
            self._journal.note("agent.error", step.name, opened.error)

    # -- the agent --------------------------------------------------------------------------------------------

    async def _invoke_unless_answered(self, opened: OpenStep | None) -> Failure | None:
        if opened is None:
            return await self._invoke()
        if opened.response is not None:
            return None
        if opened.error is not None and not opened.error.get("fatal"):
            return Failure(opened.error["error"], tuple(opened.error.get("kinds", ())))
        return await self._invoke()

    async def _invoke(self) -> Failure | None:
        step, journal, attempt = self._step, self._journal, self._attempt
        request = make_request(
            self._run, step, self._occurrence, attempt, self._feedback, self._names, self._emit
        )
        start: dict[str, Any] = {
            "turn": self._turn,
            "occurrence": self._occurrence,
            "attempt": attempt,
            "agent": step.role.name,
        }
        if step.declared != step.name:
            start["of"] = step.declared
        journal.note("step.start", step.name, start)
        if step.input_gate is not None:
            wrong = await check_input(self._run, step.input_gate, request, self._names)
            if wrong:
                return self._failed(Failure(wrong, ("InputError",)), perf_counter())
        config = step.role.config
        invoke = {"provider": config.provider, "prompt": self._run.compiled.intake.text(request.prompt)}
        if "model" in config.model_fields_set:
            invoke["model"] = config.model
        if len(request.prompt) > 4096:
            await journal.note_large("agent.invoke", step.name, invoke, "prompt")
        else:
            journal.note("agent.invoke", step.name, invoke)
        if step.once or time() - self._run.fold.at > PROVEN_SECONDS:
            await journal.commit()  # refused where another process has taken the run over
        began = perf_counter()
        deadline = self._run.deadlines.begin(step.timeout)
        try:
            reply = await step.invoke(request)
            if deadline.expired:  # it answered all the same, at the last moment
                await deadline.settle()
            await self._record(reply, perf_counter() - began)
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
        if deadline.expired:
            text = f"step {step.name!r} took longer than its {step.timeout:g} seconds"
            failure = Failure(text, ("TimeoutError", "OSError"))
        return self._failed(failure, began)

    def _emit(self, kind: str, data: dict[str, Any]) -> None:
        if kind not in EMITTED:
            raise AgentError(
                f"agent {self._step.role.name!r} emits {kind!r}, which is not an event for agents",
                remedy=f"Emit one of: {', '.join(sorted(EMITTED))}.",
            )
        # Agents may emit from a thread of their own; the journal belongs to the loop's.
        self._run.call_in_loop(
            self._journal.note, kind, self._step.name, self._run.compiled.intake.data(dict(data))[0]
        )

    async def _record(self, reply: AgentReply, duration: float) -> None:
        data, size = response_data(
            reply, self._step.role.name, self._attempt, duration, self._run.compiled.intake
        )
        if size > 4096:
            self._response = data
            await self._journal.note_large("agent.response", self._step.name, data, "output")
        else:
            self._answered(data)

    def _answered(self, data: dict[str, Any]) -> None:
        self._response = data
        self._journal.note("agent.response", self._step.name, data)

    def _failed(self, failure: Failure, began: float) -> Failure:
        data: dict[str, Any] = {
            "attempt": self._attempt,
            "error": failure.text,
            "kinds": list(failure.kinds),
            "duration": round(perf_counter() - began, 6),
        }
        if failure.fatal:
            data["fatal"] = True
        self._journal.note("agent.error", self._step.name, data)
        return failure

    async def _after_failure(self, failure: Failure) -> StepOutcome | None:
        """Try again, or let the step fail; None: another attempt follows."""
        retry = self._step.retry
        if failure.fatal:
            # The step stays open: `resume` begins this attempt again once the cause is mended.
            raise EndRun(End(EndReason.FAILED, failure.text))
        if self._step.once and retry.allows(failure, self._attempt):
            # Nobody knows whether it was done before it failed; only a person may have it done again.
            return await self._fail(
                f"{failure.text}; not tried again, since its effects may happen once only"
            )
        if retry.allows(failure, self._attempt):
            await self._retry(failure.text, "error", retry.delay(failure, self._attempt))
            return None
        return await self._fail(failure.text)

    # -- the gates --------------------------------------------------------------------------------------------

    async def _after_gates(self, opened: OpenStep | None, retry_gates: bool) -> StepOutcome | None:
        step = self._step
        if not step.gates:
            return await self._complete()
        failed = await self._check_gates(opened)
        aborting = [gate for gate, _ in failed if gate.on_failure is OnFailure.ABORT]
        blocking = [gate for gate, _ in failed if gate.on_failure is not OnFailure.CONTINUE]
        if aborting:
            return await self._fail(f"gate {aborting[0].name!r} failed and aborts", aborting[0].name)
        if not blocking or not retry_gates:
            return await self._complete()
        if self._attempt > step.retry.max_retries:
            attempts = f"{self._attempt} attempt{'s' if self._attempt > 1 else ''}"
            return await self._fail(
                f"gate {blocking[0].name!r} still fails after {attempts}", blocking[0].name
            )
        feedback = "\n\n".join(f"[{gate.name}] {verdict}" for gate, verdict in failed)
        await self._retry(feedback, "gate", 0.0)
        return None

    async def _check_gates(self, opened: OpenStep | None) -> list[tuple[BoundGate, str]]:
        """Check every gate; return those that failed, with their feedback."""
        known = (opened.verdicts or {}) if opened is not None else {}
        if any(not gate.pure for gate in self._step.gates):
            await self._journal.commit()  # the agent's work must not be lost while a gate takes its time
        failed = []
        last = self._step.gates[-1]
        for gate in self._step.gates:
            if gate.name in known:
                passed, feedback = known[gate.name]
            else:
                passed, feedback = await self._check(gate)
                if not gate.pure and gate is not last:
                    await self._journal.commit()
            if not passed:
                failed.append((gate, feedback))
                if gate.on_failure is OnFailure.ABORT:
                    break
        return failed

    async def _check(self, bound: BoundGate) -> tuple[bool, str]:
        names = {"lap": self._occurrence, "item": ""}
        if self._names:
            names |= self._names
        key = idempotency_key(self._run.run_id, self._step.name, self._occurrence, self._attempt)
        return await check_gate(self._run, bound, self._step.name, self._response, names, key)

    # -- the outcome ------------------------------------------------------------------------------------------

    async def _retry(self, feedback: str, reason: str, delay: float) -> None:
        self._attempt += 1
        self._feedback = feedback
        data = {"attempt": self._attempt, "reason": reason, "delay": round(delay, 3), "feedback": feedback}
        await self._journal.note_large("step.retry", self._step.name, data, "feedback")
        await self._journal.commit()
        if delay:
            await asyncio.sleep(delay)

    async def _complete(self) -> StepOutcome:
        return await self._close("step.complete", {})

    async def _fail(self, error: str, gate: str = "") -> StepOutcome:
        return await self._close("step.error", {"error": error, "gate": gate} if gate else {"error": error})

    async def _close(self, kind: str, data: dict[str, Any]) -> StepOutcome:
        data |= {"turn": self._turn, "occurrence": self._occurrence, "attempt": self._attempt}
        self._journal.note(kind, self._step.name, data)
        outcome = await self._journal.commit()
        assert outcome is not None, "a completion makes an outcome"
        return outcome
