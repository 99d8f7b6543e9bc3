"""Reports an evaluation that was run: its figures, against a baseline if there is one, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.display import visible
from loopengt.leaving import leaving_redactor
from loopengt_evals.reports.report import Report
from loopengt_evals.suites.analysis import analyse
from loopengt_evals.suites.baselines import save_baseline
from loopengt_evals.suites.comparing import compare
from loopengt_evals.suites.ending import exit_code, notes
from loopengt_evals.suites.running import INTERRUPTED

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_evals.reports.writing import Reports
    from loopengt_evals.suites.comparing import Comparison
    from loopengt_evals.suites.results import EvaluationResult, Side

__all__ = ["held_against", "report_suite"]


def report_suite(
    kernel: Kernel,
    result: EvaluationResult,
    reports: Reports,
    file: str,
    *,
    before: Side | None = None,
    save: Path | None = None,
) -> int:
    """Print and write the reports, save the baseline, and return the exit code.

    Args:
        kernel: The project.
        result: The evaluation.
        reports: What is asked for.
        file: The suite's file as it was named.
        before: The baseline that it is held against.
        save: The baseline to write.

    Raises:
        UsageError: It has no case in common with the baseline.
        LoopengtError: A file cannot be written.
    """
    found = analyse(result)
    whole = result.stopped != INTERRUPTED
    comparison = held_against(before, result) if before is not None and whole and found.judged else None
    redactor = leaving_redactor(kernel)
    reports.write(Report(result, found, comparison), redactor)
    for note in notes(kernel, result, found, file):
        click.echo(redactor.text(visible(note)), err=True)
    if before is not None and comparison is None:
        click.echo("It was not held against the baseline, since it is not whole.", err=True)
    if save is not None:
        if found.open or found.errors:
            click.echo(f"The baseline {save} was not saved, since trials are missing.", err=True)
        else:
            save_baseline(save, result)
            click.echo(f"Baseline saved: {save}{_ignored(save)}", err=True)
    return exit_code(result, found, comparison, judged_by_baseline=before is not None or save is not None)


def held_against(before: Side, result: EvaluationResult) -> Comparison:
    """Hold an evaluation against a baseline.

    Raises:
        UsageError: They have no case in common.
    """
    return compare(
        before,
        result.side("this evaluation"),
        level=result.level,
        figures=result.figures,
        thresholds=result.thresholds,
    )


def _ignored(path: Path) -> str:
    """Say how a baseline gets into git in a project whose .loopengt folder leaves all else out."""
    try:
        rules = (path.absolute().parent.parent / ".gitignore").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    missing = path.parent.name == "baselines" and "/*" in rules and "!/baselines/" not in rules
    return f" (to commit it: git add --force {path})" if missing else ""
