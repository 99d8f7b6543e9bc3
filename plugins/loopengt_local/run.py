"""A run as its pattern sees it: recorded steps return at once, the others are executed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any

from loopengt.errors import ReplayMismatch
from loopengt.expressions import parse_expression
from loopengt.journal import to_json_data
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import End, EndReason, OnFailure, StepSpec, StepStatus
from loopengt_local.control import EndRun
from loopengt_local.deadlines import Deadlines
from loopengt_local.scope import RunScope
from loopengt_local.steps import StepExecution, chain

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.journal import Fold, Journal, Replay
    from loopengt_hookspecs.engines import UnknownOutcome
    from loopengt_hookspecs.models import LoopSpec, LoopState
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_local.compiled import CompiledLoop, CompiledStep

__all__ = ["LocalRun"]


class LocalRun:
    """Implements ``loopengt_hookspecs.patterns.Run`` and ``stop_conditions.Progress``."""

    def __init__(
        self,
        compiled: CompiledLoop,
        journal: Journal,
        workspace: Path,
        *,
        replay: Replay | None = None,
        went_live: Callable[[], Any] | None = None,
        unknown_outcome: UnknownOutcome = "ask",
    ) -> None:
        self.compiled = compiled
        self.journal = journal
        self.fold: Fold = journal.fold
        self.workspace = workspace
        self.unknown_outcome = unknown_outcome
        self.stop_requested: End | None = None
        """Set from outside; the run ends so before its next turn."""
        self.invokers = {name: chain(step, compiled.middleware) for name, step in compiled.steps.items()}
        self.deadlines = Deadlines()
        self._replay = replay
        self._went_live = went_live
        self._turn = 0
        self._occurrences: dict[str, int] = {}
        self._decided: dict[str, int] = {}
        self._policy = compiled.spec.policy
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    # -- what patterns and stop conditions see --------------------------------------------------------------

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.fold.run_id

    @property
    def spec(self) -> LoopSpec:
        """The loop that is run."""
        return self.compiled.spec

    @property
    def state(self) -> LoopState:
        """The state as of this place in the journal."""
        return self.fold.snapshot()

    @property
    def turn(self) -> int:
        """Turns taken so far."""
        return self.fold.turn

    @property
    def tokens(self) -> int:
        """Tokens used by all agents of the run."""
        return self.fold.tokens

    @property
    def cost_usd(self) -> float:
        """Known cost of the run in US dollars."""
        return self.fold.cost_usd

    @property
    def goal_reached(self) -> bool:
        """Whether every step has completed and its gates passed."""
        return self.fold.goal_reached

    @property
    def failed_gates(self) -> tuple[str, ...]:
        """Gates that failed at the last execution of their step, and names of steps that failed."""
        return tuple(
            name for step, failed in self.fold.failures.items() for name in ([f.gate for f in failed] or [step])
        )

    @property
    def last_output(self) -> Any:
        """Output of the step that completed last; None without one."""
        return self.fold.last_output

    @property
    def elapsed(self) -> float:
        """Seconds that the run had been driven at this place in the journal."""
        return self.fold.elapsed

    @property
    def elapsed_now(self) -> float:
        """Seconds that the run has been driven until this moment; not for patterns to decide from."""
        return self.fold.elapsed + max(0.0, time() - self.fold.at)

    def now(self) -> float:
        """Return the time at this place in the journal, in seconds since the epoch."""
        return self.fold.at

    def scope(self) -> Mapping[str, Any]:
        """Make the names that expressions see."""
        return RunScope(self, {})

    def evaluate(self, expression: str, **names: Any) -> Any:
        """Evaluate an expression over the run's scope, with further names added."""
        return parse_expression(expression).evaluate(RunScope(self, names))

    # -- what patterns do -------------------------------------------------------------------------------------

    async def step(
        self,
        step: StepSpec | str,
        *,
        feedback: str = "",
        names: Mapping[str, Any] | None = None,
        retry_gates: bool = True,
        tolerate: bool = False,
    ) -> StepOutcome:
        """Take one turn; see ``loopengt_hookspecs.patterns.Run``."""
        name = step if isinstance(step, str) else step.name
        compiled = self.compiled.steps.get(name)
        if compiled is None:
            raise UsageError(f"the pattern asks for step {name!r}, which loop {self.spec.name!r} does not have")
        self._turn = turn = self._turn + 1
        occurrence = self._occurrences.get(name, 0) + 1
        self._occurrences[name] = occurrence
        outcome = None
        if self._replay is not None:
            outcome = await self._replay.ask((name, occurrence), turn)
            if self._replay.finished:
                await self._go_live()
        if outcome is None:
            outcome = await self._execute(compiled, turn, occurrence, feedback, names, retry_gates)
        if outcome.error is not None and (not tolerate or self._aborts(compiled, outcome)):
            raise EndRun(self.end_of(outcome))
        return outcome

    async def decide(self, name: str, value: Any) -> Any:
        """Record a decision, or return the recorded one; see ``loopengt_hookspecs.patterns.Run``."""
        occurrence = self._decided.get(name, 0) + 1
        self._decided[name] = occurrence
        recorded = self.fold.decision(name, occurrence)
        if recorded is not None:
            return recorded[0]
        if self._replay is not None:
            if not self._replay.finished:
                raise ReplayMismatch(f"the pattern decides {name!r}, but the journal holds no such decision here")
            await self._go_live()
        kept = to_json_data(value)[0]
        self.journal.note("decision", None, {"name": name, "value": kept})
        await self.journal.commit()
        return kept

    async def finish_replay(self) -> None:
        """The pattern has returned: nothing recorded may be left.

        Raises:
            ReplayMismatch: The journal holds more steps than the pattern asked for.
        """
        if self._replay is not None:
            if not self._replay.finished:
                raise self._replay.left_over()
            await self._go_live()

    def call_in_loop(self, call: Callable[..., Any], *args: Any) -> None:
        """Call something in the run's event loop, at once when that is where we are."""
        if threading.get_ident() == self._thread:
            call(*args)
        else:
            self._loop.call_soon_threadsafe(call, *args)

    def end_of(self, outcome: StepOutcome) -> End:
        """Return how a run ends that this outcome is the last of."""
        if outcome.failures:
            gates = ", ".join(failure.gate for failure in outcome.failures)
            return End(EndReason.BLOCKED, f"gate {gates} of step {outcome.step!r}: {outcome.error or 'failed'}")
        return End(EndReason.FAILED, f"step {outcome.step!r}: {outcome.error}")

    # -- inside -----------------------------------------------------------------------------------------------

    @staticmethod
    def _aborts(step: CompiledStep, outcome: StepOutcome) -> bool:
        failed = {failure.gate for failure in outcome.failures}
        return any(gate.name in failed and gate.on_failure is OnFailure.ABORT for gate in step.gates)

    async def _go_live(self) -> None:
        self._replay = None
        if self._went_live is not None:
            await self._went_live()

    async def _execute(
        self,
        step: CompiledStep,
        turn: int,
        occurrence: int,
        feedback: str,
        names: Mapping[str, Any] | None,
        retry_gates: bool,
    ) -> StepOutcome:
        if step.name not in self.fold.open:  # a step that a crash cut short has passed these already
            self._check_limits(turn)
            if step.dependencies:
                unmet = self._unmet_dependency(step)
                if unmet:
                    return await self._skip(step, turn, occurrence, unmet)
        return await StepExecution(self, step, turn, occurrence, feedback, names).execute(retry_gates)

    def _check_limits(self, turn: int) -> None:
        """End the run before a turn that it may not take."""
        policy = self._policy
        if self.stop_requested is not None:
            raise EndRun(self.stop_requested)
        if turn > policy.max_turns:
            raise EndRun(End(EndReason.EXHAUSTED, f"max_turns: {policy.max_turns} turns were taken"))
        budget = policy.budget
        if budget.max_tokens is not None and self.fold.tokens >= budget.max_tokens:
            used = f"{self.fold.tokens} of {budget.max_tokens} tokens are used"
            raise EndRun(End(EndReason.EXHAUSTED, f"budget.max_tokens: {used}"))
        if budget.max_cost_usd is not None and self.fold.cost_usd >= budget.max_cost_usd:
            used = f"{self.fold.cost_usd:.4f} of {budget.max_cost_usd:g} USD are spent"
            raise EndRun(End(EndReason.EXHAUSTED, f"budget.max_cost_usd: {used}"))
        for rule in self.compiled.stop_rules:
            end = rule.check(self)
            if end is not None:
                raise EndRun(end)

    def _unmet_dependency(self, step: CompiledStep) -> str:
        """Say why a step is skipped: a step it depends on failed or was skipped, or a condition is false."""
        for name, condition in step.dependencies:
            known = self.fold.steps.get(name)
            if known is None or known.outcome is None:
                detail = f"step {step.name!r} depends on {name!r}, which has not run yet"
                raise EndRun(End(EndReason.FAILED, f"pattern {self.spec.pattern!r}: {detail}"))
            if known.status in (StepStatus.FAILED, StepStatus.SKIPPED):
                return f"{name} {known.status.value}"
            if condition is not None and not condition.truth(RunScope(self, {}, result=known.outcome.result)):
                return f"not {name}: {condition.text}"
        return ""

    async def _skip(self, step: CompiledStep, turn: int, occurrence: int, reason: str) -> StepOutcome:
        data = {"turn": turn, "occurrence": occurrence, "skipped": reason}
        self.journal.note("step.complete", step.name, data)
        outcome = await self.journal.commit()
        assert outcome is not None, "a completion makes an outcome"
        return outcome
