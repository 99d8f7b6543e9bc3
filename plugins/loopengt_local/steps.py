"""Executes one step live: its attempts, its gates, and what follows each failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import End, EndReason, OnFailure
from loopengt_local.attempts import AgentAttempt
from loopengt_local.checkpoints import checkpoint_data
from loopengt_local.children.child_attempts import ChildAttempt
from loopengt_local.control import EndRun
from loopengt_local.gating import check_gate
from loopengt_local.retry import Failure
from loopengt_local.waiting import pause
from loopengt_local.watching.progress import Attempt

if TYPE_CHECKING:
    from loopengt.journal import OpenStep
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_local.compiled import BoundGate, CompiledStep
    from loopengt_local.remembering.memories import MemoryRule
    from loopengt_local.run import LocalRun
    from loopengt_local.watching.progress import ProgressWatch

__all__ = ["StepExecution"]


class StepExecution:
    """One execution of a step, from its first attempt, or from where a crash left it, to its outcome."""

    __slots__ = (
        "_attempt",
        "_feedback",
        "_journal",
        "_made",
        "_names",
        "_occurrence",
        "_response",
        "_run",
        "_step",
        "_turn",
        "_waited",
        "_waits",
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
        self._waits, self._waited = 0, 0.0  # for rate limits, at the present attempt

    async def execute(self, retry_gates: bool) -> StepOutcome:
        """Execute the step and return its outcome, durable."""
        step = self._step
        if step.memory is not None:
            await self._remember(step.memory)
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

    async def _remember(self, memory: MemoryRule) -> None:
        """Let the prompts of this execution see what memory holds."""
        names = {"lap": self._occurrence, "item": "", "feedback": self._feedback, "handoff": ""}
        text = await memory.read(self._run, self._step, self._occurrence, names | dict(self._names or {}))
        if text is not None:
            self._names = {**(self._names or {}), "memory": text}

    # -- after a crash ----------------------------------------------------------------------------------------

    async def _take_up(self, opened: OpenStep) -> None:
        self._attempt = opened.attempt
        if opened.attempt > 1:  # what the first attempt is told comes from the pattern, again
            self._feedback = opened.feedback
        self._response = opened.response or {}
        if opened.response is None and opened.error is None:
            # A child run's journal knows what was done.
            if opened.invoked and self._step.once and self._step.child is None:
                self._settle_unknown(opened)
            else:
                self._waited = opened.waited
                # A clock that was set back must not make the wait longer than it was meant to be.
                wait = min(opened.delay, opened.retry_at - self._journal.now())
                await pause(self._run, self._step.name, wait)

    def _settle_unknown(self, opened: OpenStep) -> None:
        """Decide on an attempt with effects of which nobody knows whether it was made."""
        step = self._step.name
        assert self._run.cut_short is not None, "only a resumed run finds such an attempt"
        answer = self._run.cut_short.settle(step)
        if answer == "done":
            self._response = {"attempt": opened.attempt, "output": None, "metadata": {"assumed": "done"}}
            self._journal.note("agent.response", step, self._response)
            opened.response = self._response
        elif answer == "fail":
            error = f"step {step!r} is taken as failed: its outcome was lost in a crash"
            opened.error = {"attempt": opened.attempt, "error": error, "kinds": ["UnknownOutcome"]}
            self._journal.note("agent.error", step, opened.error)

    # -- the agent --------------------------------------------------------------------------------------------

    async def _invoke_unless_answered(self, opened: OpenStep | None) -> Failure | None:
        if opened is None:
            return await self._invoke()
        if opened.response is not None:
            return None
        if opened.error is not None and not opened.error.get("fatal"):
            return Failure.recorded(opened.error)
        return await self._invoke()

    async def _invoke(self) -> Failure | None:
        kind = AgentAttempt if self._step.child is None else ChildAttempt
        self._made = made = kind(self._run, self._step, self._turn, self._occurrence, self._attempt)
        failure = await made.make(self._feedback, self._names)
        self._response = made.response
        return failure

    async def _after_failure(self, failure: Failure) -> StepOutcome | None:
        """Try again, or let the step fail; None: another attempt follows."""
        retry = self._step.retry
        if failure.rate_limited:
            return await self._wait_out(failure)
        if failure.fatal:
            # The step stays open: `resume` begins this attempt again once the cause is mended.
            raise EndRun(End(EndReason.FAILED, failure.text))
        if self._run.watch is not None:
            await self._weigh(self._run.watch, None, error=failure.text)
        if self._step.once and retry.allows(failure, self._attempt):
            # Nobody knows whether it was done before it failed; only a person may have it done again.
            return await self._fail(
                f"{failure.text}; not tried again, since its effects may happen once only"
            )
        if retry.allows(failure, self._attempt):
            delay = retry.delay(failure, self._attempt)
            if self._has_calls() and not failure.starts_over:
                await self._go_on(failure.text, delay)
            else:
                await self._retry(failure.text, "error", delay)
            return None
        return await self._fail(failure.text)

    def _has_calls(self) -> bool:
        opened = self._run.fold.open.get(self._step.name)
        return opened is not None and opened.calls is not None

    async def _go_on(self, error: str, delay: float) -> None:
        """Make another attempt that goes on from the calls of models and tools which this one has made.

        It is told what this one was told: with another prompt, its calls would be others.
        """
        data = {"reason": "error", "delay": round(delay, 3), "error": error, "keeps_calls": True}
        await self._begin_next(data, delay)

    async def _wait_out(self, failure: Failure) -> StepOutcome | None:
        """Wait for a rate limit, which is no attempt; None: the same attempt is made again."""
        delay = self._step.retry.rate_limit_delay(failure, self._waits)
        most = self._step.retry.policy.max_rate_limit_wait_seconds
        if self._waited + delay > most:
            text = f"{failure.text}; max_rate_limit_wait_seconds ({most:g}) does not allow to wait that long"
            return await self._fail(self._made.failed(replace(failure, text=text)).text)
        self._waits, self._waited = self._waits + 1, self._waited + delay
        data = {"attempt": self._attempt, "reason": "rate_limit", "delay": round(delay, 3)}
        self._journal.note("step.retry", self._step.name, data | {"error": failure.text})
        await self._journal.commit()
        await pause(self._run, self._step.name, delay)
        return None

    # -- the gates --------------------------------------------------------------------------------------------

    async def _after_gates(self, opened: OpenStep | None, retry_gates: bool) -> StepOutcome | None:
        step = self._step
        failed = await self._check_gates(opened) if step.gates else []
        if self._run.watch is not None:
            await self._weigh(self._run.watch, self._response, failed)
        if not step.gates:
            return await self._complete()
        aborting = [gate for gate, _ in failed if gate.on_failure is OnFailure.ABORT]
        blocking = [gate for gate, _ in failed if gate.on_failure is not OnFailure.CONTINUE]
        if aborting:
            return await self._fail(f"gate {aborting[0].name!r} failed and aborts", aborting[0].name)
        if not blocking or not retry_gates:
            return await self._complete()
        if step.once and self._attempt <= step.retry.max_retries:
            return await self._fail(
                f"gate {blocking[0].name!r} failed; not tried again, since the effects may happen once only",
                blocking[0].name,
            )
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
        failed: list[tuple[BoundGate, str]] = []
        last = self._step.gates[-1]
        for gate in self._step.gates:
            if gate.name in known:
                passed, feedback = known[gate.name]
            else:
                refused = any(earlier.on_failure is not OnFailure.CONTINUE for earlier, _ in failed)
                verdict = await self._check(gate, refused)
                if verdict is None:
                    continue
                passed, feedback = verdict
                if not gate.pure and gate is not last:
                    await self._journal.commit()
            if not passed:
                failed.append((gate, feedback))
                if gate.on_failure is OnFailure.ABORT:
                    break
        return failed

    async def _check(self, bound: BoundGate, refused: bool) -> tuple[bool, str] | None:
        names = {"lap": self._occurrence, "item": ""}
        if self._names:
            names |= self._names
        return await check_gate(
            self._run, bound, self._step, self._occurrence, self._response, names, refused=refused
        )

    async def _weigh(
        self,
        watch: ProgressWatch,
        response: dict[str, Any] | None,
        failed: Sequence[tuple[BoundGate, str]] = (),
        error: str = "",
    ) -> None:
        """Note whether the attempt came to anything new."""
        names = {"lap": self._occurrence, "item": "", **(self._names or {})}
        await watch.note(Attempt(self._step, self._attempt, names, response, error, failed))

    # -- the outcome ------------------------------------------------------------------------------------------

    async def _retry(self, feedback: str, reason: str, delay: float) -> None:
        self._feedback = feedback
        await self._begin_next({"reason": reason, "delay": round(delay, 3), "feedback": feedback}, delay)

    async def _begin_next(self, data: dict[str, Any], delay: float) -> None:
        if self._run.watch is not None:
            self._run.watch.check()
        self._attempt += 1
        self._waits, self._waited = 0, 0.0
        data = {"attempt": self._attempt, **data}
        if "feedback" in data:
            await self._journal.note_large("step.retry", self._step.name, data, "feedback")
        else:
            self._journal.note("step.retry", self._step.name, data)
        await self._journal.commit()
        await pause(self._run, self._step.name, delay)

    async def _complete(self) -> StepOutcome:
        if self._step.memory is not None:
            key = f"{self._run.run_id}/{self._step.name}/{self._occurrence}"
            names = {
                "lap": self._occurrence,
                "item": "",
                "feedback": "",
                "handoff": "",
                **(self._names or {}),
            }
            memory = self._step.memory
            await memory.write(self._run, self._step, self._occurrence, key, self._response, names)
        return await self._close("step.complete", {})

    async def _fail(self, error: str, gate: str = "") -> StepOutcome:
        return await self._close("step.error", {"error": error, "gate": gate} if gate else {"error": error})

    async def _close(self, kind: str, data: dict[str, Any]) -> StepOutcome:
        data |= {"turn": self._turn, "occurrence": self._occurrence, "attempt": self._attempt}
        saved = None
        if self._step.spec.checkpoint and kind == "step.complete" and self._step.name == self._step.declared:
            await self._journal.commit()  # the agent's work must not be lost while files are kept
            saved = await checkpoint_data(self._run, self._step.name, self._occurrence)
        self._journal.note(kind, self._step.name, data)
        if saved is not None:
            self._journal.note("checkpoint.save", None, saved)
        outcome = await self._journal.commit()
        assert outcome is not None, "a completion makes an outcome"
        return outcome
