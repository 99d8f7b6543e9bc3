"""A run as its pattern sees it: recorded steps return at once, the others are executed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import End, EndReason, OnFailure, StepSpec
from loopengt_local.approvals import Approvals
from loopengt_local.budgeting.budgets import Budgets
from loopengt_local.checkpoints import checkpoint_data
from loopengt_local.control import EndRun
from loopengt_local.deadlines import Deadlines
from loopengt_local.items import take_each
from loopengt_local.limits import check_limits, unmet_dependency
from loopengt_local.recorded import RecordedRun
from loopengt_local.slots import Slots
from loopengt_local.steps import StepExecution
from loopengt_local.waiting import Waits
from loopengt_local.watching.progress import ProgressWatch

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.journal import Journal, Replay
    from loopengt_hookspecs.engines import UnknownOutcomes
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_local.children.child_runs import ChildRuns
    from loopengt_local.compiled import CompiledLoop, CompiledStep

__all__ = ["LocalRun"]


class LocalRun(RecordedRun):
    """Implements ``loopengt_hookspecs.patterns.Run``."""

    def __init__(
        self,
        compiled: CompiledLoop,
        journal: Journal,
        workspace: Path,
        *,
        replay: Replay | None = None,
        went_live: Callable[[], Any] | None = None,
        unknown_outcome: UnknownOutcomes = "ask",
    ) -> None:
        super().__init__(compiled, journal, workspace, replay, went_live, unknown_outcome)
        self.unknown_outcome = unknown_outcome
        self.stop_requested: End | None = None
        """Set from outside, or by the step that ended the run: it ends so before its next turn."""
        self.ended: End | None = None
        """How the run ends, once a step has said so."""
        self.deadlines = Deadlines()
        self.slots = Slots(compiled.spec.policy.max_concurrency)
        self.waits = Waits()
        self.budgets = Budgets(self)
        self.approvals = Approvals(self)
        self.watch = ProgressWatch(self, compiled.progress) if compiled.progress is not None else None
        self.children: ChildRuns | None = None
        """Those that are driven for steps with a loop of their own."""
        self.middleware: tuple[Middleware, ...] = ()
        """What stands around every attempt of this run, outermost, beside what the config names."""
        self.offers_noted: dict[str, str] = {}
        """Digest of what tools offered to each step, as it was last written down."""
        self._turn = 0
        self._under_way: dict[str, asyncio.Task[Any] | None] = {}
        self._occurrences: dict[str, int] = {}
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    @property
    def executing(self) -> int:
        """How many executions of steps are under way."""
        return len(self._under_way)

    @property
    def asked(self) -> int:
        """How many turns the pattern has asked for."""
        return self._turn

    # -- what patterns do -------------------------------------------------------------------------------------

    async def step(
        self,
        step: StepSpec | str,
        *,
        feedback: str = "",
        names: Mapping[str, Any] | None = None,
        retry_gates: bool = True,
        tolerate: bool = False,
        parallel: bool = False,
    ) -> StepOutcome:
        """Take one turn; see ``loopengt_hookspecs.patterns.Run``."""
        name = step if isinstance(step, str) else step.name
        compiled = self.compiled.steps.get(name)
        if compiled is None:
            raise UsageError(
                f"the pattern asks for step {name!r}, which loop {self.spec.name!r} does not have"
            )
        if compiled.for_each is not None:
            parallel = parallel or self.spec.policy.allow_parallel
            outcome = await take_each(self, compiled, feedback, names, retry_gates, tolerate, parallel)
        else:
            outcome = await self.take(compiled, feedback, names, retry_gates)
        self.bear(compiled, outcome, tolerate)
        return outcome

    def bear(self, step: CompiledStep, outcome: StepOutcome, tolerate: bool) -> None:
        """End the run when a step came out so that it cannot go on.

        Raises:
            EndRun: It cannot.
        """
        if outcome.error is not None and (not tolerate or self._aborts(step, outcome)):
            raise self._ending(self.end_of(outcome))

    async def take(
        self,
        compiled: CompiledStep,
        feedback: str,
        names: Mapping[str, Any] | None,
        retry_gates: bool,
    ) -> StepOutcome:
        """Take one turn of a step, or of one instance of it."""
        name = compiled.name
        self._turn = turn = self._turn + 1
        occurrence = self.next_occurrence(name)
        recorded = None
        if self._replay is not None:
            recorded = await self._replay.ask(("step", name, occurrence))
        if recorded is None:
            if self._replay is not None:
                await self._go_live()
            outcome = await self._execute(compiled, turn, occurrence, feedback, names, retry_gates)
        else:
            outcome = recorded[0]
            self._taken = turn
        return outcome

    async def settle(
        self, step: CompiledStep, occurrence: int, kind: str, data: dict[str, Any], *, turn: bool
    ) -> StepOutcome:
        """Write down an outcome that no execution made, or return the recorded one.

        Args:
            step: The step.
            occurrence: Which execution of it.
            kind: Type of the event.
            data: Its data.
            turn: Whether it takes a turn: else a pattern that repeats such steps would never meet a limit.

        Raises:
            EndRun: The run may not take a turn more.
        """
        if turn:
            self._turn += 1
        number = self._turn
        if self._replay is not None:
            recorded = await self._replay.ask(("step", step.name, occurrence))
            if recorded is not None:
                self._taken = max(self._taken, number)
                outcome: StepOutcome = recorded[0]
                return outcome
            if self._replay is not None:
                await self._go_live()
        if turn:
            try:
                check_limits(self, number)
            except EndRun as exc:
                raise self._ending(exc.end) from None
            self._taken = number
        saved = None
        if "items" in data and kind == "step.complete" and step.spec.checkpoint:
            saved = await checkpoint_data(self, step.name, occurrence)
        self.journal.note(kind, step.name, {"turn": number, "occurrence": occurrence, **data})
        if saved is not None:
            self.journal.note("checkpoint.save", None, saved)
        made = await self.journal.commit()
        assert made is not None, "a completion makes an outcome"
        return made

    def next_occurrence(self, name: str) -> int:
        """Return which execution of a step comes next, from 1."""
        occurrence = self._occurrences.get(name, 0) + 1
        self._occurrences[name] = occurrence
        return occurrence

    async def end_steps(self) -> None:
        """End what branches of the pattern still do; it may have returned without them."""
        if self._under_way:
            current = asyncio.current_task()
            tasks = {task for task in self._under_way.values() if task is not None and task is not current}
            for task in tasks:
                task.cancel("the run is over")
            if tasks:
                await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Let go of everything, however the run came to its end."""
        await self.end_steps()
        self.approvals.close()
        self.deadlines.close()
        if self._replay is not None:
            await self._replay.close()

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
            return End(
                EndReason.BLOCKED, f"gate {gates} of step {outcome.step!r}: {outcome.error or 'failed'}"
            )
        return End(EndReason.FAILED, f"step {outcome.step!r}: {outcome.error}")

    # -- inside -----------------------------------------------------------------------------------------------

    @staticmethod
    def _aborts(step: CompiledStep, outcome: StepOutcome) -> bool:
        failed = {failure.gate for failure in outcome.failures}
        return any(gate.name in failed and gate.on_failure is OnFailure.ABORT for gate in step.gates)

    def _ending(self, end: End) -> EndRun:
        """Make the exception that ends the run, and see to it that no further turn is taken."""
        if self.ended is None:
            self.ended = self.stop_requested = end
        return EndRun(end)

    async def _execute(
        self,
        step: CompiledStep,
        turn: int,
        occurrence: int,
        feedback: str,
        names: Mapping[str, Any] | None,
        retry_gates: bool,
    ) -> StepOutcome:
        name = step.name
        under_way = self._under_way
        if name in under_way:
            raise UsageError(
                f"the pattern takes step {name!r} a second time before the first has ended",
                remedy="Await one execution of a step before the next; different steps may run at the same time.",
            )
        under_way[name] = asyncio.current_task(self._loop)
        if not self.slots.take_free():
            try:
                await self.slots.take()
            except BaseException:
                del under_way[name]
                raise
        try:
            opened = self.fold.open.get(name)
            if opened is None or opened.occurrence != occurrence:
                self._taken = turn - 1
                check_limits(self, turn)
                self._taken = turn
                if step.dependencies:
                    unmet = unmet_dependency(self, step)
                    if unmet:
                        return await self._skip(step, turn, occurrence, unmet)
            elif self.stop_requested is not None:
                raise EndRun(self.stop_requested)
            else:  # a crash cut it short: it has passed these already
                self._taken = turn
            execution = StepExecution(self, step, turn, occurrence, feedback, names)
            return await execution.execute(retry_gates)
        except EndRun as exc:
            raise self._ending(exc.end) from None
        finally:
            del under_way[name]
            self.slots.give_back()
            self.approvals.look()

    async def _skip(self, step: CompiledStep, turn: int, occurrence: int, reason: str) -> StepOutcome:
        data = {"turn": turn, "occurrence": occurrence, "skipped": reason}
        self.journal.note("step.complete", step.name, data)
        outcome = await self.journal.commit()
        assert outcome is not None, "a completion makes an outcome"
        return outcome
