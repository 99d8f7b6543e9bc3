"""What an evaluation has come to: its cases with their trials, and the same as another one can be held against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt_evals.suites.model import Limit
    from loopengt_evals.suites.record import Record
    from loopengt_evals.suites.trials import Trial

__all__ = ["CaseResult", "EvaluationResult", "Figure", "Side", "SideCase", "figures_of"]

JUDGE = "judge."
"""Beginning of the names of figures that are scores."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a figure is measured in, and which way is an improvement."""

    unit: str = ""
    better: str | None = None
    """``higher``, ``lower``, or None: neither."""


@dataclass(slots=True)
class CaseResult:
    """One case and its trials."""

    id: str
    digest: str
    trials: list[Trial]

    @property
    def judged(self) -> list[Trial]:
        """The trials of which it is known whether they are a success."""
        return [trial for trial in self.trials if trial.passed is not None]

    @property
    def passed(self) -> int:
        """How many trials are a success."""
        return sum(trial.passed is True for trial in self.trials)


@dataclass(slots=True)
class EvaluationResult:
    """An evaluation, whole or as far as it went."""

    header: Mapping[str, Any]
    """That of its record."""
    cases: list[CaseResult]
    figures: Mapping[str, Figure]
    """By name: metrics, and ``judge.NAME`` for scores."""
    thresholds: Mapping[str, Limit] = field(default_factory=dict)
    stopped: str = ""
    """Why not all trials were run; empty: they were."""
    notes: list[str] = field(default_factory=list)
    """What a person should know besides."""

    @property
    def evaluation(self) -> str:
        """Its id."""
        return str(self.header["evaluation"])

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return str(self.header["suite"])

    @property
    def loop(self) -> str:
        """Name of the loop."""
        return str(self.header["loop"])

    @property
    def level(self) -> float:
        """Confidence level."""
        return float(self.header["level"])

    @property
    def trials(self) -> list[Trial]:
        """All trials, in the order of the cases."""
        return [trial for case in self.cases for trial in case.trials]

    def side(self, label: str = "") -> Side:
        """Return it as one side of a comparison.

        Args:
            label: What it is called; empty: by its id.
        """
        cases = {}
        for case in self.cases:
            judged = case.judged
            if judged:
                values = {name: _numbers(judged, name) for name in self.figures}
                cases[case.id] = SideCase(
                    case.digest,
                    [int(trial.passed is True) for trial in judged],
                    {n: v for n, v in values.items() if v},
                )
        return Side(label or self.evaluation, dict(self.header), cases)


def _numbers(trials: Sequence[Trial], name: str) -> list[float]:
    return [float(value) for trial in trials for value in [value_of(trial, name)] if value is not None]


def value_of(trial: Trial, name: str) -> float | int | None:
    """Return a figure of a trial; None: it has none, or it is a word."""
    if name.startswith(JUDGE):
        verdict = trial.verdicts.get(name.removeprefix(JUDGE))
        return None if verdict is None else verdict.score
    value = trial.metrics.get(name)
    return value if isinstance(value, int | float) else None


@dataclass(slots=True)
class SideCase:
    """One case as one side of a comparison has it."""

    digest: str
    passed: list[int]
    """1 for each trial that is a success, else 0."""
    values: dict[str, list[float]] = field(default_factory=dict)
    """Values by figure."""


@dataclass(slots=True)
class Side:
    """One side of a comparison: an evaluation, or a baseline."""

    label: str
    facts: dict[str, Any]
    """``suite``, ``suite_digest``, ``loop``, ``loop_digest``, ``versions``, and what else is known."""
    cases: dict[str, SideCase]


def figures_of(components: Any, record: Record) -> dict[str, Figure]:
    """Return the figures of an evaluation that are numbers, by name.

    Args:
        components: Where metrics are looked up, such as a kernel.
        record: Its record.
    """
    known = components.names("metrics")
    found = {}
    for name in record.header["metrics"]:
        if name in known:
            metric = components.get("metrics", name)
            found[name] = Figure(metric.unit, metric.better)
    labels = dict.fromkeys(label for case in record.header["cases"].values() for label in case["judges"])
    return found | {JUDGE + label: Figure("", "higher") for label in labels}
