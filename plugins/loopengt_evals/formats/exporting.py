"""Finds the suite or the evaluation that is to be exported."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import LoopengtError, UsageError
from loopengt.leaving import leaving_redactor
from loopengt_evals.suites.reading import load_suite
from loopengt_evals.suites.record import Record, find_record

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_evals.formats.collected import Notes
    from loopengt_evals.suites.reading import LoadedSuite

__all__ = ["export_results", "export_suite"]


def export_suite(kernel: Kernel, name: str, form: str, notes: Notes) -> str:
    """Return a suite in the form of another tool, without secrets.

    Args:
        kernel: The project.
        name: An evals.yaml, its folder, or an evaluation, whose suite is taken.
        form: ``pydantic-evals`` or ``promptfoo``.
        notes: Where notes go.

    Raises:
        SpecError: The suite has problems.
        UsageError: There is no such file, and no such evaluation.
    """
    from loopengt_evals.formats.to_promptfoo import to_promptfoo
    from loopengt_evals.formats.to_pydantic_evals import to_pydantic_evals

    suite = _suite(kernel, name)
    _note_lost(suite, notes)
    write = to_pydantic_evals if form == "pydantic-evals" else to_promptfoo
    return leaving_redactor(kernel).text(write(suite, notes))


def _note_lost(suite: LoadedSuite, notes: Notes) -> None:
    """Note what a suite says that no other tool has a place for."""
    given = suite.suite.model_fields_set
    for name in (
        "repeat",
        "concurrency",
        "thresholds",
        "passes",
        "timeout_seconds",
        "budget",
        "isolation",
        "metrics",
    ):
        if name in given:
            notes.add("", f"{name} was left out")
    for case in suite.cases:
        if case.case.repeat is not None:
            notes.add(case.id, "its repeat was left out")
    notes.add("", f"the loop {suite.suite.loop} was left out: what runs the cases there is to be said there")


def _suite(kernel: Kernel, name: str) -> LoadedSuite:
    path = Path(name)
    if path.exists():
        return load_suite(path, kernel.project)
    header = Record.read(find_record(kernel.folder, name)).header
    suite = load_suite(Path(str(header["suite_file"])), kernel.project)
    if suite.digest != header["suite_digest"]:
        raise UsageError(
            f"the suite {header['suite_file']} has changed since the evaluation {name}",
            remedy=f"Export the suite as it is: loopengt eval export {header['suite_file']}",
        )
    return suite


async def export_results(kernel: Kernel, name: str, notes: Notes) -> str:
    """Return what an evaluation came to as a log of Inspect, without secrets.

    Args:
        kernel: The project.
        name: The evaluation's id, a prefix of it, or ``latest``.
        notes: Where notes go.

    Raises:
        UsageError: There is no such evaluation, or it is a suite.
        StorageError: The storage cannot be read.
    """
    from loopengt_evals.formats.to_inspect import to_inspect
    from loopengt_evals.suites.session import read_evaluation

    if await asyncio.to_thread(Path(name).exists):
        raise UsageError(
            f"{name} is no evaluation, and a log of Inspect tells of one",
            remedy="Run it first: loopengt eval suite; then: loopengt eval export latest --to inspect",
        )
    result = await read_evaluation(kernel, name)
    try:
        suite = _suite(kernel, result.evaluation)
    except LoopengtError:
        cases = {}
    else:
        cases = {case.id: case for case in suite.cases}
    log = await to_inspect(kernel, result, cases, notes)
    return leaving_redactor(kernel).encoded(log.encode()).decode()
