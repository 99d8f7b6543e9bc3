"""Executes one step live: its attempts, its gates, and what follows each failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from loopengt import PromptError, get_logger
from loopengt.journal import to_json_data
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.errors import AgentError, LeaseLost, MissingRequirement, StorageError
from loopengt_hookspecs.gates import GateRequest, GateVerdict
from loopengt_hookspecs.models import End, EndReason, OnFailure, StepResult
from loopengt_local.control import EndRun
from loopengt_local.retry import Failure
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt.journal import OpenStep
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_local.compiled import BoundGate, CompiledStep
    from loopengt_local.run import LocalRun

__all__ = ["StepExecution", "chain"]

Invoke = Callable[[AgentRequest], Awaitable[AgentReply]]

FEEDBACK_HEADING = "The previous attempt was not accepted:"
"""Stands above the feedback when a prompt has no place of its own for it."""


def chain(step: CompiledStep, middleware: tuple[Any, ...]) -> Invoke:
    """Put the middleware around a step's agent, the first outermost."""
    invoke: Invoke = step.agent.invoke
    for layer in reversed(middleware):
        invoke = _around(layer, invoke)
    return invoke


def _around(layer: Any, invoke: Invoke) -> Invoke:
    def call(request: AgentRequest) -> Awaitable[AgentReply]:
        return layer(request, invoke)  # type: ignore[no-any-return]  # middleware comes from plugins

    return call


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
        if run.unknown_outcome == "ask":
            question = (
                f"step {step.name!r} (effects: once) was under way when the run was lost; "
                "it may or may not have been done"
            )
            if run.fold.pending is None:
                asked = {"kind": "unknown_outcome", "attempt": opened.attempt, "question": question}
                self._journal.note("approval.request", step.name, asked)
            raise EndRun(End(EndReason.APPROVAL_REQUIRED, question))
        decided = {"kind": "unknown_outcome", "attempt": opened.attempt, "decision": run.unknown_outcome}
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
        request = self._request()
        start: dict[str, Any] = {
            "turn": self._turn,
            "occurrence": self._occurrence,
            "attempt": attempt,
            "agent": step.role.name,
        }
        journal.note("step.start", step.name, start)
        config = step.role.config
        invoke = {"provider": config.provider, "prompt": request.prompt}
        if "model" in config.model_fields_set:
            invoke["model"] = config.model
        if len(request.prompt) > 4096:
            await journal.note_large("agent.invoke", step.name, invoke, "prompt")
        else:
            journal.note("agent.invoke", step.name, invoke)
        if step.once:
            await journal.commit()
        began = perf_counter()
        deadline = self._run.deadlines.begin(step.timeout)
        try:
            reply = await self._run.invokers[step.name](request)
            if deadline.expired:  # it answered all the same, at the last moment: let the cancellation pass
                await deadline.settle()
            return await self._record(reply, perf_counter() - began)
        except asyncio.CancelledError:
            if not deadline.expired or deadline.task.uncancel() > 0:
                raise
            text = f"step {step.name!r} took longer than its {step.timeout:g} seconds"
            return self._failed(Failure(text, ("TimeoutError", "OSError")), began)
        except (LeaseLost, StorageError, EndRun):
            raise
        except Exception as exc:
            if not isinstance(exc, AgentError):
                get_logger("loopengt.local").warning("agent raised", step=step.name, exc_info=exc)
            return self._failed(Failure.of(exc), began)
        finally:
            self._run.deadlines.end(deadline)

    def _request(self) -> AgentRequest:
        run, step = self._run, self._step
        names = {"feedback": self._feedback, "handoff": "", "item": "", "lap": self._occurrence}
        if self._names:
            names |= self._names
        scope = RunScope(run, names, context_at_root=True)
        try:
            prompt = step.prompt.render(scope)
            system_prompt = step.system_prompt.render(scope) if step.system_prompt is not None else ""
        except PromptError as exc:
            raise EndRun(End(EndReason.FAILED, f"step {step.name!r}: {exc}")) from exc
        if self._feedback and not step.takes_feedback:
            prompt = f"{prompt}\n\n{FEEDBACK_HEADING}\n{self._feedback}"
        return AgentRequest(
            run_id=run.run_id,
            loop=run.spec.name,
            step=step.name,
            occurrence=self._occurrence,
            attempt=self._attempt,
            agent=step.role,
            prompt=prompt,
            system_prompt=system_prompt,
            feedback=self._feedback,
            idempotency_key=self._key(),
            workspace=run.workspace,
            context=run.fold.context,
            emit=self._emit,
            put_blob=self._journal.storage.put_blob,
        )

    def _key(self) -> str:
        return f"{self._run.run_id}/{self._step.name}/{self._occurrence}/{self._attempt}"

    def _emit(self, kind: str, data: dict[str, Any]) -> None:
        # Agents may emit from a thread of their own; the journal belongs to the loop's.
        self._run.call_in_loop(self._journal.note, kind, self._step.name, to_json_data(data)[0])

    async def _record(self, reply: AgentReply, duration: float) -> Failure | None:
        try:
            output, size = to_json_data(reply.output)
            metadata = to_json_data(reply.metadata)[0] if reply.metadata else None
        except TypeError as exc:
            raise AgentError(
                f"agent {self._step.role.name!r} answered with something that is not JSON data: {exc}",
                remedy="Return text, numbers, booleans, null, lists or objects with text keys.",
                kind="OutputError",
            ) from exc
        data: dict[str, Any] = {"attempt": self._attempt, "output": output, "duration": round(duration, 6)}
        if reply.token_usage:
            data["token_usage"] = dict(reply.token_usage)
        if reply.cost_usd is not None:
            data["cost_usd"] = reply.cost_usd
            data["cost_source"] = reply.cost_source
        if metadata:
            data["metadata"] = metadata
        if size > 4096:
            self._response = data
            await self._journal.note_large("agent.response", self._step.name, data, "output")
        else:
            self._answered(data)
        return None

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
            return await self._fail(f"gate {blocking[0].name!r} still fails after {attempts}", blocking[0].name)
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
        began = perf_counter()
        result = self._result()
        request = GateRequest(
            run_id=self._run.run_id,
            step=self._step.name,
            attempt=self._attempt,
            result=result,
            workspace=self._run.workspace,
            idempotency_key=self._key(),
            scope=lambda: RunScope(self._run, self._names or {}, result=result),
            put_blob=self._journal.storage.put_blob,
        )
        try:
            verdict = await bound.gate.check(request)
        except (LeaseLost, StorageError):
            raise
        except MissingRequirement as exc:
            # No attempt can mend that; the answer is kept, and `resume` checks it once the program is there.
            raise EndRun(End(EndReason.FAILED, f"gate {bound.name!r}: {exc}")) from exc
        except Exception as exc:
            # Gates fail closed: one that cannot be run has not passed.
            verdict = GateVerdict(False, f"the gate could not be checked: {exc}", {"error": type(exc).__name__})
        data = {
            "gate": bound.name,
            "kind": bound.kind,
            "attempt": self._attempt,
            "duration": round(perf_counter() - began, 6),
            "proof": to_json_data(verdict.proof)[0],
        }
        passed = verdict.passed is True
        if not passed:
            data["feedback"] = verdict.feedback or f"gate {bound.name!r} failed without saying why"
            await self._journal.note_large("gate.fail", self._step.name, data, "feedback")
        else:
            self._journal.note("gate.pass", self._step.name, data)
        return passed, data.get("feedback", "")

    def _result(self) -> StepResult:
        response = self._response
        return StepResult(
            output=response.get("output"),
            duration_seconds=response.get("duration", 0.0),
            token_usage=response.get("token_usage", {}),
            metadata=response.get("metadata", {}),
        )

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
