"""Runs each measurement in fresh processes, round by round, and sums the figures up."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.cases import Case, Measure

__all__ = ["ROOT", "Outcome", "Summary", "run_cases"]

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where ``python -m benchmarks`` finds its modules."""

_PATIENCE = 1_800.0
_TOLD = 5

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """One measure of a case, over all its processes."""

    measure: Measure
    values: list[float]
    """In the order in which they were measured."""

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median meets the aim; None without one."""
        return None if self.measure.aim is None else self.median <= self.measure.aim

    def record(self) -> dict[str, Any]:
        """Return it as JSON data."""
        measure = self.measure
        return {
            "name": measure.name,
            "label": measure.label,
            "unit": measure.unit,
            "min": min(self.values),
            "median": self.median,
            "max": max(self.values),
            "values": self.values,
            "aim": measure.aim,
            "met": self.met,
        }


@dataclass(slots=True)
class Outcome:
    """What a case has yielded so far."""

    case: Case
    size: dict[str, int | str]
    figures: list[Figures] = field(default_factory=list)
    """One entry for each process."""
    error: str = ""
    """Why it could not be measured; empty: it could."""

    def summaries(self) -> list[Summary]:
        """Sum the figures up, ratios pair by pair; nothing when there was an error."""
        if self.error:
            return []
        return [
            Summary(measure, [_value(measure, each) for each in self.figures])
            for measure in self.case.measures
        ]

    def record(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "name": self.case.name,
            "title": self.case.title,
            "size": self.size,
            "error": self.error or None,
            "measures": [summary.record() for summary in self.summaries()],
        }


def run_cases(
    cases: Sequence[Case], *, runs: int, quick: bool, folder: Path, progress: Callable[[str], object]
) -> list[Outcome]:
    """Measure each case so many times; round by round, so that a slow spell of the machine meets all of them.

    Args:
        cases: What to measure.
        runs: How many rounds.
        quick: Use tiny sizes, which show that everything works and measure nothing of use.
        folder: Where databases are made; what is made is removed again.
        progress: Called with a line before each process.
    """
    outcomes = [Outcome(case, case.quick if quick else case.full) for case in cases]
    for number, outcome in _rounds(outcomes, runs):
        if outcome.error:
            continue
        progress(f"round {number} of {runs}: {outcome.case.title}")
        try:
            outcome.figures.append(_measure(outcome, folder))
        except subprocess.CalledProcessError as exc:
            outcome.error = _last_lines(exc.stderr) or f"the process ended with {exc.returncode}"
        except subprocess.TimeoutExpired:
            outcome.error = f"the process took longer than {_PATIENCE:g} seconds"
    return outcomes


def _rounds(outcomes: Sequence[Outcome], runs: int) -> Iterator[tuple[int, Outcome]]:
    for number in range(1, runs + 1):
        for outcome in outcomes:
            for _ in range(outcome.case.per_run):
                yield number, outcome


def _measure(outcome: Outcome, folder: Path) -> Figures:
    with tempfile.TemporaryDirectory(dir=folder) as empty:
        job = {"function": outcome.case.function, "folder": empty, "size": outcome.size}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker", json.dumps(job)],
            cwd=ROOT,
            env=child_environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE,
        )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _value(measure: Measure, figures: Figures) -> float:
    if measure.ratio is None:
        return figures[measure.name]
    ours, limit = measure.ratio
    return figures[ours] / figures[limit]


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_TOLD:])
