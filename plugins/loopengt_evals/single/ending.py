"""Says what a person has to know besides the figures, and with which code the program exits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.cli.retyping import command_line
from loopengt.display import visible
from loopengt.errors import RunOwned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt import Kernel
    from loopengt.evaluating import Evaluation

__all__ = ["exit_code", "notes"]

_NO_VERDICT = 1
_NOT_PASSED = 3


def exit_code(found: Sequence[Evaluation]) -> int:
    """Return 1 when something could not be found out, 3 when a judge did not pass a run, else 0."""
    if any(map(_is_incomplete, found)):
        return _NO_VERDICT
    return 0 if all(run.passed for run in found) else _NOT_PASSED


def _is_incomplete(run: Evaluation) -> bool:
    lost = run.unrecorded is not None and not isinstance(run.unrecorded, RunOwned)
    return bool(run.errors or run.metrics.errors) or run.damage is not None or lost


def notes(kernel: Kernel, found: Sequence[Evaluation]) -> Iterator[str]:
    """Yield lines for stderr: where the verdicts are, and what went wrong.

    Args:
        kernel: The project.
        found: What was found.
    """
    recorded = [run.run_id for run in found if run.recorded]
    if len(recorded) == 1:
        yield f"The verdicts are in its journal: {command_line(kernel, 'trace', recorded[0])}"
    elif recorded:
        yield f"The verdicts are in the journals of {len(recorded)} runs: loopengt trace RUN"
    for run in found:
        if run.unrecorded is not None:
            yield _plain(f"The verdicts on run {run.run_id} were not recorded: {run.unrecorded}")
        if run.damage is not None:
            yield _plain(
                f"Error: the journal of run {run.run_id} is damaged; the figures are those of what stands before: "
                f"{run.damage}"
            )
        for name, why in run.metrics.errors.items():
            yield _plain(f"Error: the metric {name!r} failed on run {run.run_id}: {why}")


def _plain(text: str) -> str:
    return visible(text, keep="\n\t")
