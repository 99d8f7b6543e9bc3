"""Drives one run: calls its pattern within its limits and writes down how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt import ReplayMismatch, approvals, get_logger
from loopengt.journal import Fold, Journal, Replay
from loopengt_hookspecs.errors import LeaseLost, LoopengtError, StorageError
from loopengt_hookspecs.gates import GateRequest
from loopengt_hookspecs.models import End, EndReason, RunStatus, StepResult
from loopengt_local.control import EndRun
from loopengt_local.forks.changing import limits_of
from loopengt_local.limits import raised, time_over
from loopengt_local.results import result_of
from loopengt_local.rows import row_of, under_way
from loopengt_local.run import LocalRun
from loopengt_local.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt_hookspecs.engines import RunResult, UnknownOutcomes
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.storage import Lease
    from loopengt_local.children.child_runs import ChildRuns
    from loopengt_local.compiled import CompiledLoop
    from loopengt_local.leases import LeaseKeeper

__all__ = ["Drive"]

_INTERRUPTED = End(EndReason.INTERRUPTED, "what was under way was ended; resume to go on")
_BROKEN_OFF = (EndReason.INTERRUPTED, EndReason.CANCELLED)


class Drive:
    """One run in the hands of this process, from claim to release.

    Args:
        compiled: The loop, bound.
        journal: The run's journal; new runs are created in it already.
        workspace: The folder that the run works in.
        keeper: Keeps the lease alive.
        replay: The recorded part of a run that is resumed.
        lease: The claimed lease of a run that is resumed.
        unknown_outcome: What to assume of a ``once`` step that a crash cut short.
        accepted: What the run takes over from a changed spec.
        added: What is added to the run's limits, as ``ResumeRequest.add_budget`` has it.
        children: The child runs of this run.
        middleware: What stands around every attempt, outermost, beside what the config names.
    """

    def __init__(
        self,
        compiled: CompiledLoop,
        journal: Journal,
        workspace: Path,
        keeper: LeaseKeeper,
        *,
        replay: Replay | None = None,
        lease: Lease | None = None,
        unknown_outcome: UnknownOutcomes = "ask",
        accepted: Mapping[str, Any] | None = None,
        added: Mapping[str, float] | None = None,
        children: ChildRuns | None = None,
        middleware: Sequence[Middleware] = (),
    ) -> None:
        self.workspace = workspace
        self.compiled = self._compiled = compiled
        self._journal = journal
        self._fold: Fold = journal.fold
        self._workspace = workspace
        self._keeper = keeper
        self._replay = replay
        self._lease = lease if lease is not None else journal.lease
        self._accepted = accepted or {}
        self._added = dict(added or {})
        self._live = replay is None
        self._timeout: asyncio.Timeout | None = None
        self._task: asyncio.Task[Any] | None = None
        self._broken_off: End | None = None
        self._lost = False
        self.run_object = LocalRun(
            compiled,
            journal,
            workspace,
            replay=replay,
            went_live=self._go_live,
            unknown_outcome=unknown_outcome,
        )
        self.run_object.children = children
        self.run_object.middleware = tuple(middleware)
        self._stopping = Stopping(self.run_object, self.break_off, live=self._live)

    async def run(self, *, interrupted: bool = False) -> RunResult:
        """Drive the run until it ends or pauses: at once when it was ``interrupted`` before it could begin.

        Raises:
            LeaseLost: Another process took the run over.
            StorageError: The journal cannot be written.
            ReplayMismatch: The pattern is not the one that wrote the journal.
        """
        assert self._lease is not None
        self._task = asyncio.current_task()
        if interrupted:
            self.interrupt()
        on_poll = self._stopping.poll if self._stopping.polls else None
        self._keeper.hold(self._lease, self._on_lost, self._on_signal, on_poll)
        try:
            end, cancelled = await self._until_end()
            self._task = None  # from here on there is nothing to interrupt
            await self.run_object.end_steps()
            if not self._live and end.reason not in _BROKEN_OFF:
                await self.run_object.finish_replay(failed=True)
            if self._live:
                await self._write_end(end)
            else:  # broken off in the replay: the journal stays as it is
                await self._journal.storage.release(self._lease)
        finally:
            self._task = None
            self._keeper.drop(self._lease.run_id)
            await self._stopping.close()
            await self.run_object.close()
        if cancelled is not None:
            raise cancelled
        return result_of(self._fold, self._lease.run_id, end, self._workspace)

    def stop(self, end: End) -> None:
        """End the run so before its next turn."""
        self._stopping.ask(end)

    def interrupt(self) -> None:
        """Pause the run at once; what the agent was doing is cancelled."""
        self.break_off(_INTERRUPTED)

    def break_off(self, end: End) -> None:
        """End or pause the run so, at once; what the agent was doing is cancelled."""
        if self._task is not None and self._broken_off is None:
            self._broken_off = self.run_object.stop_requested = end
            self._task.cancel(end.reason.value)

    # -- the pattern and its limits ---------------------------------------------------------------------------

    async def _until_end(self) -> tuple[End, asyncio.CancelledError | None]:
        task = self._task
        assert task is not None
        try:
            end = await self._call_pattern()
            if self._broken_off is not None or self._lost:
                await asyncio.sleep(0)  # a cancellation that has had no chance to arrive does so here
                self._take_back(task)
            return end, None
        except asyncio.CancelledError as exc:
            self._take_back(task)
            if self._lost:
                raise self._taken_over() from None
            if self._broken_off is not None:
                return self._broken_off, exc if task.cancelling() else None
            return End(EndReason.CANCELLED, "cancelled"), exc

    def _take_back(self, task: asyncio.Task[Any]) -> None:
        """Undo the count of the cancellations that were ours; those of others stand."""
        for asked in (self._broken_off is not None, self._lost):
            if asked:
                task.uncancel()

    async def _call_pattern(self) -> End:
        run = self.run_object
        try:
            async with asyncio.timeout(run.time_limit if self._live else None) as self._timeout:
                if self._replay is not None:
                    await self._replay.start()
                end = await self._compiled.pattern(run)
                await run.finish_replay()
                # An end that a step came to stands, also where the pattern caught the exception.
                return await self._check_output(run.ended or end or self._verdict())
        except EndRun as exc:
            return await self._check_output(exc.end)
        except TimeoutError as exc:
            if self._timeout is not None and self._timeout.expired():
                return time_over(run)
            return self._end_of_exception(exc)
        except Exception as exc:
            return await self._check_output(self._end_of_exception(exc))
        finally:
            self._timeout = None

    def _end_of_exception(self, exc: Exception) -> End:
        """Find the end in what a pattern, or its task group, raises.

        Raises:
            StorageError, ReplayMismatch: Nothing can, or must, be written any more.
        """
        raised = _leaves(exc)
        for leaf in raised:
            if isinstance(leaf, StorageError | ReplayMismatch):
                raise leaf
        for leaf in raised:
            if isinstance(leaf, EndRun):
                return leaf.end
        for leaf in raised:
            if isinstance(leaf, LoopengtError):
                return End(EndReason.FAILED, str(leaf))
        get_logger("loopengt.local").error(
            "pattern raised", pattern=self._compiled.spec.pattern, exc_info=exc
        )
        return End(
            EndReason.FAILED, f"pattern {self._compiled.spec.pattern!r} raised {type(exc).__name__}: {exc}"
        )

    def _verdict(self) -> End:
        """Judge a run whose pattern has no more steps to take."""
        fold = self._fold
        if fold.failures:
            step, failures = next(iter(fold.failures.items()))
            gates = ", ".join(failure.gate for failure in failures)
            if gates:
                return End(EndReason.BLOCKED, f"gate {gates} of step {step!r} does not pass")
            return End(EndReason.FAILED, f"step {step!r} failed")
        if not fold.goal_reached:
            return End(EndReason.FAILED, f"pattern {self._compiled.spec.pattern!r} left steps undone")
        if not fold.any_completed:
            return End(EndReason.NOTHING_TO_DO, "every step was skipped")
        return End(EndReason.GOAL_MET, "all steps completed and their gates passed")

    async def _check_output(self, end: End) -> End:
        """Hold the final output against the loop's ``output_schema``, whoever calls the run good."""
        good = end.reason.status is RunStatus.COMPLETED
        if good and self._fold.failures:
            return self._verdict()  # no pattern and no stop condition can call a run good whose gates fail
        bound = self._compiled.output_gate
        if bound is None or not good or not self._fold.any_completed:
            return end
        result = StepResult(output=self._fold.last_output)
        run = self.run_object
        verdict = await bound.gate.check(
            GateRequest(
                run_id=run.run_id,
                step="",
                attempt=1,
                result=result,
                workspace=self._workspace,
                idempotency_key=f"{run.run_id}/output",
                scope=run.scope,
                put_blob=self._journal.storage.put_blob,
            )
        )
        if verdict.passed is True:
            return end
        return End(EndReason.BLOCKED, f"{bound.name}: the loop's output does not fit: {verdict.feedback}")

    async def _go_live(self) -> None:
        """The replay is over: from here on the journal is written."""
        assert self._lease is not None
        fold = self._fold
        elapsed, asked = fold.elapsed, fold.stop
        self._journal.take_up(self._lease)
        self._live = True
        used = {
            "elapsed": round(elapsed, 3),
            "turn": fold.turn,
            **fold.totals(under_way=False),
        }
        limits = raised(raised(limits_of(self._compiled.spec), fold.added), self._added)
        used |= {key: fold.header[key] for key in ("parent", "parent_step") if key in fold.header}
        forked = fold.header.get("forked_from", {})
        begins = fold.seq == forked.get("seq")  # nothing is the fork's own yet
        if begins:
            used |= {"forked_from": forked["run_id"], "at": forked["at"]}
        self._journal.note("loop.resume", None, {**used, **self._accepted, "limits": limits})
        if self._added:
            self._journal.note("budget.add", None, {"added": self._added})
        if begins:
            asked = None  # that was asked of the run that was forked
            if self._compiled.progress is not None:  # a fork is made to try something else: it counts anew
                self._journal.note("progress", None, {"new": True})
            if "checkpoint" in forked:
                self._journal.note("checkpoint.load", None, forked["checkpoint"])
        self._stopping.go_live(asked)
        await self._journal.commit(row_of(fold, RunStatus.RUNNING))
        if self._timeout is not None:
            left = self.run_object.time_limit - elapsed
            self._timeout.reschedule(asyncio.get_running_loop().time() + left)

    # -- the end ------------------------------------------------------------------------------------------------

    async def _write_end(self, end: End) -> None:
        status = end.reason.status
        kind = {RunStatus.COMPLETED: "loop.complete", RunStatus.PAUSED: "loop.pause"}.get(
            status, "loop.error"
        )
        data: dict[str, Any] = {"reason": end.reason.value, "detail": end.detail}
        row = row_of(self._fold, status, end=end)
        used = under_way(self.run_object)
        if any(used.values()):
            data["under_way"] = used
            row.tokens, row.cost_usd = row.tokens + used["tokens"], row.cost_usd + used["cost_usd"]
        self._journal.note(kind, None, data)
        await self._journal.commit(row, release=True)

    # -- what comes from outside --------------------------------------------------------------------------------

    def _on_lost(self) -> None:
        self._lost = True
        if self._task is not None:
            self._task.cancel("lease lost")

    def _on_signal(self, signal: dict[str, Any]) -> None:
        if signal.get("type") == "stop":
            self._stopping.receive(signal)
        elif signal.get("type") == approvals.SIGNAL:
            self.run_object.approvals.receive(signal)

    def _taken_over(self) -> LeaseLost:
        assert self._lease is not None
        run_id = self._lease.run_id
        return LeaseLost(
            f"run {run_id} was taken over by another process",
            remedy=f"Nothing more is written here. See `loopengt trace {run_id}`.",
        )


def _leaves(exc: Exception) -> list[Exception]:
    if isinstance(exc, ExceptionGroup):
        return [leaf for inner in exc.exceptions for leaf in _leaves(inner)]
    return [exc]
