"""Evaluates runs one after the other; what was found is kept when a later one fails."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from loopengt.errors import LoopengtError
from loopengt.evaluating import evaluate
from loopengt.finding import check_runs_exist, find_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt.evaluating import Evaluation
    from loopengt_hookspecs.models import JudgeSpec
    from loopengt_hookspecs.storage import Storage

__all__ = ["Wish", "evaluate_all"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be found of each run."""

    metrics: Sequence[str]
    judges: Sequence[JudgeSpec]
    expected: Any
    record: bool


async def evaluate_all(
    kernel: Kernel, names: Sequence[str], wish: Wish
) -> tuple[list[Evaluation], LoopengtError | None]:
    """Evaluate runs in the order in which they are named, each once.

    Args:
        kernel: The project.
        names: Ids, prefixes of them, or ``latest``.
        wish: What is wanted.

    Returns:
        What was found, and the error that ended it early, if one did.

    Raises:
        RunNotFound: A name stands for no run, or for more than one. Then nothing was done.
        StorageError: The storage cannot be opened.
    """
    check_runs_exist(kernel, names[0])
    found: list[Evaluation] = []
    async with kernel.storage() as storage:
        rows = [await find_run(storage, name) for name in names]
        for run_id in dict.fromkeys(row.run_id for row in rows):
            if wish.judges and sys.stderr.isatty():
                click.echo(f"Judging {run_id} …", err=True)
            try:
                found.append(await _one(kernel, storage, run_id, wish))
            except LoopengtError as exc:
                return found, exc
    return found, None


async def _one(kernel: Kernel, storage: Storage, run_id: str, wish: Wish) -> Evaluation:
    return await evaluate(
        kernel,
        storage,
        run_id,
        metrics=wish.metrics,
        judges=wish.judges,
        expected=wish.expected,
        record=wish.record,
    )
