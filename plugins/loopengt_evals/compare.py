"""The command ``loopengt eval compare``: which of two loops is better, as far as trials bear it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_evals.suites.results import EvaluationResult

__all__ = ["compare"]


@click.command("compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--suite", metavar="FILE", help="The suite on which the loops A and B are run.")
@click.option("--repeat", type=click.IntRange(1, 10_000), metavar="N", help="Trials of each case.")
@click.option("--concurrency", type=click.IntRange(1, 256), metavar="N", help="Trials at once.")
@click.option(
    "--level", type=click.FloatRange(0.5, 0.9999), metavar="X", help="Confidence level, such as 0.95."
)
@click.option("-q", "--quiet", is_flag=True, help="Do not say how it gets on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object in place of the table.")
@click.option("--markdown", metavar="FILE", help="Write a report for a pull request.")
@click.option("--html", metavar="FILE", help="Write a page with plots, complete in itself.")
@pass_kernel
def compare(
    kernel: Kernel,
    a: str,
    b: str,
    suite: str | None,
    repeat: int | None,
    concurrency: int | None,
    level: float | None,
    quiet: bool,
    as_json: bool,
    markdown: str | None,
    html: str | None,
) -> int:
    """Tell which of two loops is better. A and B are loops, with --suite, or ids of recorded evaluations.

    Exit codes: 0 B is better, or no difference is shown; 1 B is worse, or trials have no verdict; 2 usage; 3 trials
    were left out; 130 interrupted.
    """
    import asyncio

    from loopengt_evals.reports.writing import Reports
    from loopengt_evals.suites.pairs import evaluate_pair, report_pair
    from loopengt_evals.suites.session import read_evaluation

    reports = Reports(as_json=as_json, markdown=markdown, html=html)
    reports.check()
    if suite is not None:
        kernel = kernel.for_spec(Path(suite))
        pair = evaluate_pair(
            kernel, Path(suite), (Path(a), Path(b)), repeat, concurrency, quiet=quiet or as_json
        )
        return report_pair(kernel, pair, reports, (a, b), level)
    for option, given in (("--repeat", repeat), ("--concurrency", concurrency)):
        if given is not None:
            raise click.UsageError(f"{option} is for loops that are run: add --suite evals.yaml.")
    for name in (a, b):
        if Path(name).exists():
            raise click.UsageError(f"{name} is a file or folder: to compare loops, add --suite evals.yaml.")

    async def read() -> tuple[EvaluationResult, EvaluationResult]:
        return await read_evaluation(kernel, a), await read_evaluation(kernel, b)

    return report_pair(kernel, asyncio.run(read()), reports, (a, b), level)
