"""Makes evaluations: begins one or goes on with it, reads recorded ones, and returns what they have come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli.retyping import command_line
from loopengt.display import visible
from loopengt.errors import LoopengtError, SpecError, StorageError, UsageError
from loopengt.evaluating import check_metrics
from loopengt_evals.suites.interrupts import Interrupts
from loopengt_evals.suites.planning import Choice, make_plan
from loopengt_evals.suites.reading import load_suite
from loopengt_evals.suites.record import Record, find_record, new_evaluation_id
from loopengt_evals.suites.results import CaseResult, EvaluationResult, figures_of
from loopengt_evals.suites.running import INTERRUPTED, SuiteRunner
from loopengt_evals.suites.trials import Rule, Trial, read_trial, settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt import Kernel
    from loopengt_evals.suites.planning import Plan
    from loopengt_evals.suites.progress import Lines
    from loopengt_evals.suites.reading import LoadedSuite
    from loopengt_evals.suites.running import Options

__all__ = [
    "begin_evaluation",
    "begin_evaluations",
    "continue_evaluation",
    "read_evaluation",
    "run_evaluation",
]


@dataclass(slots=True)
class Prepared:
    """An evaluation that can be run: what it consists of, and its record, which is held."""

    plan: Plan
    record: Record


def begin_evaluation(kernel: Kernel, suite: LoadedSuite, choice: Choice) -> Prepared:
    """Prepare a new evaluation; see ``begin_evaluations``."""
    return begin_evaluations(kernel, suite, [choice])[0]


def begin_evaluations(kernel: Kernel, suite: LoadedSuite, choices: Sequence[Choice]) -> list[Prepared]:
    """Prepare new evaluations; when one of them cannot be run, none is begun.

    Raises:
        SpecError: The loop or the suite has problems.
        UsageError: No case fits the choice.
        MissingRequirement: This machine lacks something for a judge: each run would be paid for in vain.
    """
    planned = []
    for choice in choices:
        evaluation = new_evaluation_id()
        plan = make_plan(kernel, suite, choice, evaluation)
        plan.judges.refuse_lacking()
        planned.append((plan, evaluation))
    return [Prepared(plan, Record.create(kernel.folder, plan.header(name))) for plan, name in planned]


def continue_evaluation(kernel: Kernel, suite: LoadedSuite, name: str) -> Prepared:
    """Prepare to go on with an evaluation, as it was begun.

    Args:
        kernel: The project.
        suite: The suite as it is now.
        name: The evaluation's id, a prefix of it, or ``latest``.

    Raises:
        UsageError: There is none, or another process goes on with it, or suite or loop have changed since.
        SpecError: The loop or the suite has problems.
    """
    record = Record.resume(find_record(kernel.folder, name))
    try:
        header = record.header
        if header["suite_digest"] != suite.digest:
            raise UsageError(
                f"the suite {suite.path} is not what the evaluation {record.evaluation} was begun with",
                remedy="Put it back, or begin a new evaluation.",
            )
        choice = Choice(loop=Path(header["loop_file"]), settings=header["settings"])
        plan = make_plan(kernel, suite, choice, record.evaluation)
        if plan.loop_digest != header["loop_digest"]:
            raise UsageError(
                f"the loop {header['loop_file']} has changed since the evaluation {record.evaluation} was begun",
                remedy="Put it back, or begin a new evaluation.",
            )
        plan = plan.only({case: each["repeat"] for case, each in header["cases"].items()})
        plan.judges.refuse_lacking()
    except BaseException:
        record.close()
        raise
    return Prepared(plan, record)


async def run_evaluation(
    prepared: Prepared, options: Options, progress: Lines, *, stopped: bool = False
) -> EvaluationResult:
    """Run what has not been run, until that is done or a signal comes.

    Args:
        prepared: The evaluation; its record is let go of at the end.
        options: How trials are run.
        progress: Who is told.
        stopped: Run nothing, since a signal has come before.

    Raises:
        StorageError: The storage cannot be read or written; what was durable is kept.
    """
    plan, record = prepared.plan, prepared.record
    kernel = plan.kernel
    runner = SuiteRunner(plan, record, options, progress)
    if stopped:
        runner.halt(INTERRUPTED)
    try:
        async with kernel.storage() as storage:
            engine = kernel.engine()

            def rest() -> None:
                runner.interrupt(engine)

            def said() -> None:
                progress.end()
                click.echo("Interrupted: trials are being paused. Once more to abort at once.", err=True)

            async with Interrupts(rest, said):
                await runner.run(storage, engine)
    except StorageError:
        progress.end()
        words = ("eval", "suite", str(plan.suite.path), "--resume", record.evaluation)
        click.echo(visible(f"When that is mended, go on: {command_line(kernel, *words)}"), err=True)
        raise
    finally:
        progress.end()
        record.close()
    result = _result(kernel, record, runner.trials, plan.suite)
    result.stopped, result.notes = runner.stopped, runner.notes
    return result


def _result(
    kernel: Kernel, record: Record, trials: list[Trial], suite: LoadedSuite | None = None
) -> EvaluationResult:
    by_case: dict[str, list[Trial]] = {case: [] for case in record.header["cases"]}
    for trial in trials:
        by_case[trial.case].append(trial)
    cases = [
        CaseResult(case, str(record.header["cases"][case]["digest"]), found)
        for case, found in by_case.items()
    ]
    thresholds = {} if suite is None else suite.suite.thresholds
    return EvaluationResult(record.header, cases, figures_of(kernel, record), thresholds)


async def read_evaluation(kernel: Kernel, name: str) -> EvaluationResult:
    """Read a recorded evaluation: its record says which runs it has, their journals say what became of them.

    Args:
        kernel: The project.
        name: The evaluation's id, a prefix of it, or ``latest``.

    Raises:
        UsageError: There is none, its record is damaged, or what counts as a success cannot be told any more.
        StorageError: The storage cannot be read.
    """
    record = Record.read(find_record(kernel.folder, name))
    header = record.header
    suite = _suite_as_it_was(kernel, header)
    if suite is None and header.get("passes"):
        raise UsageError(
            f"the suite {header['suite_file']} has changed since the evaluation {record.evaluation} was made, so "
            "that it cannot be told which trials were a success",
            remedy="Put the suite back, or run it again.",
        )
    known = kernel.names("metrics")
    metrics = [name for name in header["metrics"] if name in known]
    check_metrics(kernel, metrics)
    expected = {} if suite is None else {case.id: case.expected for case in suite.cases}
    trials = []
    async with kernel.storage() as storage:
        for case, each in header["cases"].items():
            rule = Rule(each["judges"], expected.get(case), header.get("passes"))
            for number in range(1, each["repeat"] + 1):
                trial = Trial(case, number, record.runs.get((case, number), ""))
                if trial.run_id:
                    run = await read_trial(kernel, storage, trial, record.evaluation, metrics)
                    await settle(storage, trial, run, rule)
                trials.append(trial)
    return _result(kernel, record, trials, suite)


def _suite_as_it_was(kernel: Kernel, header: Mapping[str, object]) -> LoadedSuite | None:
    try:
        suite = load_suite(Path(str(header["suite_file"])), kernel.project)
    except (SpecError, LoopengtError):
        return None
    return suite if suite.digest == header["suite_digest"] else None
