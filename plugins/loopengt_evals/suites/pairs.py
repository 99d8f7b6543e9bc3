"""Evaluates two loops on one suite, and reports how they compare."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from loopengt.cli.retyping import command_line
from loopengt.display import visible
from loopengt.leaving import leaving_redactor
from loopengt_evals.suites.analysis import analyse
from loopengt_evals.suites.comparing import compare
from loopengt_evals.suites.interrupts import INTERRUPTED
from loopengt_evals.suites.planning import Choice
from loopengt_evals.suites.progress import progress_for_stderr
from loopengt_evals.suites.reading import load_suite
from loopengt_evals.suites.running import INTERRUPTED as BROKEN_OFF
from loopengt_evals.suites.running import Options
from loopengt_evals.suites.session import begin_evaluations, run_evaluation

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_evals.reports.writing import Reports
    from loopengt_evals.suites.results import EvaluationResult

__all__ = ["evaluate_pair", "report_pair"]


def evaluate_pair(
    kernel: Kernel,
    suite: Path,
    loops: tuple[Path, Path],
    repeat: int | None,
    concurrency: int | None,
    *,
    quiet: bool,
) -> tuple[EvaluationResult, EvaluationResult]:
    """Run a suite with one loop and then with another, as two evaluations; both are prepared before any run.

    Args:
        kernel: The project.
        suite: The suite's file or folder.
        loops: The loops' files or folders.
        repeat: Trials of each case; None: as the suite says.
        concurrency: Trials at once; None: as the suite says.
        quiet: Do not say how it gets on.

    Raises:
        SpecError: The suite or a loop has problems.
        StorageError: The storage fails; what was durable is kept.
    """
    loaded = load_suite(suite, kernel.project)
    prepared = begin_evaluations(kernel, loaded, [Choice(repeat=repeat, loop=loop) for loop in loops])
    options = Options(concurrency=concurrency or loaded.suite.concurrency)

    async def run() -> tuple[EvaluationResult, EvaluationResult]:
        results: list[EvaluationResult] = []
        for each, loop in zip(prepared, loops, strict=True):
            stopped = bool(results) and results[0].stopped == BROKEN_OFF
            progress = progress_for_stderr(quiet=quiet, label=str(loop))
            results.append(await run_evaluation(each, options, progress, stopped=stopped))
        return results[0], results[1]

    return asyncio.run(run())


def report_pair(
    kernel: Kernel,
    pair: tuple[EvaluationResult, EvaluationResult],
    reports: Reports,
    names: tuple[str, str],
    level: float | None,
) -> int:
    """Print and write the comparison of two evaluations, and return the exit code.

    Args:
        kernel: The project.
        pair: The evaluations.
        reports: What is asked for.
        names: What they are called.
        level: Confidence level; None: as the suite says.

    Raises:
        UsageError: They have no case in common.
        LoopengtError: A file cannot be written.
    """
    a, b = pair
    found = [analyse(each) for each in pair]
    unfinished = [each for each, figures in zip(pair, found, strict=True) if figures.open or figures.errors]
    redactor = leaving_redactor(kernel)
    if BROKEN_OFF not in (a.stopped, b.stopped):
        labels = names if names[0] != names[1] else (f"{names[0]} (A)", f"{names[1]} (B)")
        comparison = compare(
            a.side(labels[0]),
            b.side(labels[1]),
            level=level or b.level,
            figures={name: figure for name, figure in b.figures.items() if name in a.figures},
            thresholds=b.thresholds,
        )
        reports.write_comparison(comparison, redactor)
    click.echo(f"A: {a.evaluation}\nB: {b.evaluation}", err=True)
    for each in unfinished:
        why = f" ({each.stopped})" if each.stopped else ""
        words = ("eval", "suite", str(each.header["suite_file"]), "--resume", each.evaluation)
        click.echo(
            redactor.text(visible(f"{each.evaluation} is not whole{why}: {command_line(kernel, *words)}")),
            err=True,
        )
    if unfinished:
        click.echo(f"Then: {command_line(kernel, 'eval', 'compare', a.evaluation, b.evaluation)}", err=True)
    if BROKEN_OFF in (a.stopped, b.stopped):
        return INTERRUPTED
    if comparison.verdict == "worse" or any(figures.errors for figures in found):
        return 1
    return 3 if unfinished else 0
