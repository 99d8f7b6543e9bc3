"""The command ``loopengt eval suite``: a loop on many cases, each a number of times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_evals.reports.options import report_options

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["suite"]


@click.command("suite")
@click.argument("file", metavar="SUITE")
@click.option("--repeat", type=click.IntRange(1, 10_000), metavar="N", help="Trials of each case.")
@click.option("--concurrency", type=click.IntRange(1, 256), metavar="N", help="Trials at once.")
@click.option(
    "--case", "cases", multiple=True, metavar="ID", help="Only this case, or those that fit ID with * and ?."
)
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Only cases with this tag; may be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N of the cases.")
@click.option("--loop", "loop", metavar="PATH", help="Another loop, in place of the suite's.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set a value of the context.")
@click.option("--baseline", nargs=2, type=(click.Choice(["save", "compare"]), str), metavar="save|compare NAME",
              help="Save the result as a baseline, or hold it against one.")  # fmt: skip
@click.option(
    "--resume", "evaluation", metavar="ID", help="Go on with an evaluation: its id, a prefix, or latest."
)
@click.option("--fail-fast", is_flag=True, help="Begin no further trial once one is no success.")
@click.option("--keep", is_flag=True, help="Keep the workspaces of trials that have ended.")
@click.option("--record", metavar="DIR", help="Keep every agent call, a folder for each trial.")
@click.option("--replay", metavar="DIR", help="Answer every agent call from such recordings.")
@click.option("-q", "--quiet", is_flag=True, help="Do not say how it gets on.")
@report_options
@pass_kernel
def suite(
    kernel: Kernel,
    file: str,
    repeat: int | None,
    concurrency: int | None,
    cases: tuple[str, ...],
    tags: tuple[str, ...],
    limit: int | None,
    loop: str | None,
    settings: tuple[str, ...],
    baseline: tuple[str, str] | None,
    evaluation: str | None,
    fail_fast: bool,
    keep: bool,
    record: str | None,
    replay: str | None,
    quiet: bool,
    as_json: bool,
    junit: str | None,
    markdown: str | None,
    html: str | None,
) -> int:
    """Run a loop on the cases of a suite, and report how often it succeeds. SUITE is an evals.yaml, or its folder.

    Exit codes: 0 all is well, 1 worse than the baseline or trials without a verdict, 2 usage or invalid suite, 3 a
    threshold is missed or trials were left out (without thresholds and baseline: a trial failed), 130 interrupted.
    """
    import asyncio

    from loopengt_evals.reports.writing import Reports
    from loopengt_evals.suites.baselines import baseline_path, read_baseline
    from loopengt_evals.suites.comparing import common_cases
    from loopengt_evals.suites.planning import Choice
    from loopengt_evals.suites.progress import progress_for_stderr
    from loopengt_evals.suites.reading import load_suite
    from loopengt_evals.suites.reporting import report_suite
    from loopengt_evals.suites.running import Options
    from loopengt_evals.suites.session import begin_evaluation, continue_evaluation, run_evaluation
    from loopengt_evals.suites.settings import read_settings
    from loopengt_evals.suites.tapes import tapes

    chosen = (repeat, cases, tags, limit, loop, settings)
    if evaluation is not None and any(chosen):
        raise click.UsageError(
            "--resume goes on with what was begun: leave --repeat, --case, --tag, --limit, --loop and --set out."
        )
    path = Path(file)
    kernel = kernel.for_spec(path)
    loaded = load_suite(path, kernel.project)
    reports = Reports(as_json=as_json, junit=junit, markdown=markdown, html=html)
    reports.check()
    before = None
    if baseline is not None and baseline[0] == "compare":
        before = read_baseline(baseline_path(kernel.folder, baseline[1]), baseline[1])
        common_cases(before, "this suite", {case.id: case.digest for case in loaded.cases})
    options = Options(
        concurrency=concurrency or loaded.suite.concurrency,
        fail_fast=fail_fast,
        keep=keep,
        middleware=tapes(kernel, record, replay),
    )
    if evaluation is not None:
        prepared = continue_evaluation(kernel, loaded, evaluation)
    else:
        choice = Choice(
            cases, tags, limit, repeat, None if loop is None else Path(loop), read_settings(settings)
        )
        prepared = begin_evaluation(kernel, loaded, choice)
    result = asyncio.run(run_evaluation(prepared, options, progress_for_stderr(quiet=quiet or as_json)))
    save = (
        baseline_path(kernel.folder, baseline[1]) if baseline is not None and baseline[0] == "save" else None
    )
    return report_suite(kernel, result, reports, file, before=before, save=save)
