"""Runs the trials of an evaluation, some at once, each in a workspace of its own; also goes on with what was begun."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import deque
from dataclasses import dataclass, field
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Protocol

from loopengt.display import first_line
from loopengt.errors import LeaseLost, LoopengtError, RunOwned, StorageError, UsageError
from loopengt.finding import exact_run
from loopengt_evals.suites.trials import Rule, Trial, read_trial, settle
from loopengt_hookspecs.engines import ResumeRequest, RunRequest
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from loopengt_evals.suites.planning import Plan
    from loopengt_evals.suites.reading import LoadedCase
    from loopengt_evals.suites.record import Record
    from loopengt_hookspecs.engines import Engine
    from loopengt_hookspecs.metrics import RecordedRun
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.storage import Storage

__all__ = ["INTERRUPTED", "Options", "Progress", "SuiteRunner", "tape_folder"]

INTERRUPTED = "it was interrupted"
"""Why an evaluation that a person has broken off is not whole."""

_MOST_ERRORS = 5
_MOST_CLEARING = 8
_NOTED_AHEAD = 31


class Progress(Protocol):
    """Is told how an evaluation gets on."""

    def begin(self, trials: int, done: int) -> None:
        """So many trials there are, so many of them were done before."""

    def trial(self, trial: Trial) -> None:
        """A trial has come to its end, or rests."""


@dataclass(slots=True)
class Options:
    """How the trials are run."""

    concurrency: int = 4
    fail_fast: bool = False
    keep: bool = False
    """Keep the workspaces of trials that have ended."""
    middleware: Callable[[str, int, str], Sequence[Middleware]] = field(
        default=lambda case, trial, run_id: ()
    )
    """Makes what stands around the attempts of a trial, of its case, its number, and its run when that has begun."""


class SuiteRunner:
    """Runs one evaluation.

    Args:
        plan: What it consists of.
        record: Which runs it has begun.
        options: How trials are run.
        progress: Who is told.
    """

    def __init__(self, plan: Plan, record: Record, options: Options, progress: Progress) -> None:
        self.trials: list[Trial] = []
        """All trials, in the order of the cases."""
        self.stopped = ""
        """Why not all trials were run; empty: they were."""
        self._plan = plan
        self._record = record
        self._options = options
        self._progress = progress
        self._queue: deque[tuple[LoadedCase, Trial]] = deque()
        self.notes: list[str] = []
        """What a person should know beside how trials have ended."""
        self._ahead: set[str] = set()
        """Runs that are noted, and have not begun."""
        self._clearing: set[asyncio.Task[None]] = set()
        self._judging: set[asyncio.Future[None]] = set()
        self._halted = False
        self._errors = 0
        self.cost_usd = 0.0
        """What is known of the cost of all trials so far, that of judges included."""
        self.tokens = 0

    def halt(self, why: str) -> None:
        """Begin no further trial."""
        self._halted = True
        self.stopped = self.stopped or why

    def interrupt(self, engine: Engine) -> None:
        """Begin no further trial, and have those under way rest at once."""
        self.halt(INTERRUPTED)
        engine.interrupt()
        for judging in self._judging:
            judging.cancel()

    async def run(self, storage: Storage, engine: Engine) -> None:
        """Run what has not been run.

        Args:
            storage: The project's storage, opened.
            engine: The project's engine.

        Raises:
            StorageError: The storage cannot be read or written; what was durable is kept.
        """
        await self._prepare(storage)
        self._progress.begin(len(self.trials), len(self.trials) - len(self._queue))
        self._mind_budget()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._options.concurrency, len(self._queue))):
                    group.create_task(self._work(storage, engine))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            if self._clearing:
                await asyncio.wait(self._clearing)

    async def _prepare(self, storage: Storage) -> None:
        """List the trials; those that are over are not queued. First all first trials, then all second ones."""
        queues: list[list[tuple[LoadedCase, Trial]]] = []
        for case in self._plan.cases:
            for number in range(1, self._plan.repeats[case.id] + 1):
                trial = Trial(case.id, number, self._record.runs.get((case.id, number), ""))
                if trial.run_id:
                    await self._read(storage, case, trial)
                self.trials.append(trial)
                self.cost_usd += trial.cost_usd
                self.tokens += trial.tokens
                if trial.passed is None:
                    while len(queues) < number:
                        queues.append([])
                    queues[number - 1].append((case, trial))
        self._queue.extend(each for queue in queues for each in queue)

    async def _read(self, storage: Storage, case: LoadedCase, trial: Trial) -> RecordedRun | None:
        plan = self._plan
        run = await read_trial(plan.kernel, storage, trial, self._record.evaluation, plan.metrics)
        await settle(storage, trial, run, self._rule(case))
        return run

    def _rule(self, case: LoadedCase) -> Rule:
        labels = [judge.label for judge in case.judges]
        return Rule(labels, case.expected, self._plan.suite.suite.passes)

    async def _work(self, storage: Storage, engine: Engine) -> None:
        while self._queue and not self._halted:
            case, trial = self._queue.popleft()
            cost, tokens = trial.cost_usd, trial.tokens
            try:
                await self._trial(storage, engine, case, trial)
            except (LeaseLost, RunOwned, UsageError) as exc:
                trial.passed, trial.error = None, str(exc)
            except StorageError:
                self.halt("the storage failed")
                raise
            except LoopengtError as exc:
                trial.passed, trial.error = None, str(exc)
            self.cost_usd += trial.cost_usd - cost
            self.tokens += trial.tokens - tokens
            self._progress.trial(trial)
            self._mind_budget()
            self._mind_errors(trial)
            if self._options.fail_fast and not trial.passed and not self._halted:
                self.halt(f"trial {trial.number} of case {trial.case!r} was no success")

    async def _trial(self, storage: Storage, engine: Engine, case: LoadedCase, trial: Trial) -> None:
        trial.error = ""
        if not trial.ended and not await self._drive(storage, engine, case, trial):
            return
        run = await self._read(storage, case, trial)
        if run is not None and trial.ended and trial.passed is None:
            trial.error = ""
            if not await self._judge(storage, case, trial, run):
                return
            if not trial.error:
                await settle(storage, trial, run, self._rule(case))
        if trial.passed is not None and not self._options.keep:
            while len(self._clearing) >= _MOST_CLEARING:
                await asyncio.wait(self._clearing, return_when=asyncio.FIRST_COMPLETED)
            clearing = asyncio.create_task(self._clear(engine, trial.run_id))
            self._clearing.add(clearing)
            clearing.add_done_callback(self._clearing.discard)

    async def _clear(self, engine: Engine, run_id: str) -> None:
        """Remove the workspace of a trial, while the next one is under way."""
        try:
            await engine.finish_workspace(run_id, "discard")
        except LoopengtError as exc:
            self.notes.append(f"the workspace of {run_id} was left behind: {exc}")

    async def _judge(self, storage: Storage, case: LoadedCase, trial: Trial, run: RecordedRun) -> bool:
        """Have a trial judged; return whether that was not broken off."""
        judging = asyncio.ensure_future(self._plan.judges.score(storage, trial, run, case))
        self._judging.add(judging)
        try:
            await judging
        except asyncio.CancelledError:
            if not (self._halted and judging.cancelled()):
                raise
            return False
        finally:
            self._judging.discard(judging)
        return True

    async def _drive(self, storage: Storage, engine: Engine, case: LoadedCase, trial: Trial) -> bool:
        """Start the run of a trial, or take it up again; return whether it was driven to an end or a rest."""
        fresh = not trial.run_id or trial.run_id in self._ahead
        if not fresh and await exact_run(storage, trial.run_id) is not None:
            middleware = self._options.middleware(case.id, trial.number, trial.run_id)
            result = await engine.resume(ResumeRequest(trial.run_id, middleware=middleware))
        else:
            self._note(case, trial)
            middleware = self._options.middleware(case.id, trial.number, "")
            result = await engine.start(self._request(case, trial, middleware))
        return result.end.reason is not EndReason.INTERRUPTED

    def _note(self, case: LoadedCase, trial: Trial) -> None:
        """Write down which run is which trial, before it begins; those of the next trials too, at the cost of one."""
        if trial.run_id in self._ahead:
            self._ahead.discard(trial.run_id)
            return
        coming = [(case, trial), *(each for each in islice(self._queue, _NOTED_AHEAD) if not each[1].run_id)]
        for case_, each in coming:
            each.run_id = self._new_run_id(case_, each)
        self._record.note([(each.case, each.number, each.run_id) for _, each in coming])
        self._ahead.update(each.run_id for _, each in coming[1:])

    def _new_run_id(self, case: LoadedCase, trial: Trial) -> str:
        """Return the id for the run of a trial: the one that was noted, unless a crash has left its folder behind."""
        run_id = f"{self._record.evaluation}-{case.index + 1:04d}-{trial.number}"
        place = self._plan.kernel.folder / "workspaces"
        again = (f"{run_id}-again{number}" for number in count(1))
        return next(name for name in chain((run_id,), again) if not (place / name).exists())

    def _request(self, case: LoadedCase, trial: Trial, middleware: Sequence[Middleware]) -> RunRequest:
        plan = self._plan
        return RunRequest(
            plan.spec,
            source=plan.source,
            context={**plan.spec.context, **plan.settings, **case.case.inputs},
            workspace=plan.suite.suite.isolation,
            files=case.files,
            without=_within(plan.kernel.project, plan.suite.sources),
            run_id=trial.run_id,
            middleware=middleware,
        )

    def _mind_budget(self) -> None:
        budget = self._plan.suite.suite.budget
        if not self._queue:
            return
        if budget.max_cost_usd is not None and self.cost_usd >= budget.max_cost_usd:
            self.halt(f"it has cost ${self.cost_usd:.4f}, and its budget is ${budget.max_cost_usd:g}")
        if budget.max_tokens is not None and self.tokens >= budget.max_tokens:
            self.halt(f"it has used {self.tokens:,} tokens, and its budget is {budget.max_tokens:,}")

    def _mind_errors(self, trial: Trial) -> None:
        """Stop when trial after trial has no verdict: what is paid for the next one would be lost, too."""
        self._errors = self._errors + 1 if trial.error else 0
        if self._errors >= _MOST_ERRORS and self._queue:
            self.halt(f"{self._errors} trials in a row have no verdict: {first_line(trial.error)}")


def _within(project: Path, sources: frozenset[Path]) -> list[str]:
    root = project.resolve()
    return [str(path.relative_to(root)) for path in sorted(sources) if path.is_relative_to(root)]


def tape_folder(case: str, trial: int) -> str:
    """Return the name of the folder that keeps the recording of a trial."""
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", case)[:40].strip("-")
    return f"{slug}-{hashlib.sha256(case.encode()).hexdigest()[:8]}-{trial}"
