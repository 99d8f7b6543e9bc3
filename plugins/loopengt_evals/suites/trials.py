"""What became of one trial of a case, as the journal of its run tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt.errors import LoopengtError, RunNotFound
from loopengt.evaluating import measure, read_what_is_there, subject_of
from loopengt.expressions import parse_expression
from loopengt_hookspecs.models import EndReason, RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.metrics import RecordedRun
    from loopengt_hookspecs.models import JudgeResult
    from loopengt_hookspecs.storage import Storage

__all__ = ["DEFAULT_METRICS", "Rule", "Trial", "Verdict", "read_trial", "settle"]

DEFAULT_METRICS = ("cost_usd", "tokens", "total_turns", "driven_seconds")
"""What is reported where a suite names no metrics."""

_REACHED = (EndReason.GOAL_MET.value, EndReason.NOTHING_TO_DO.value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge said of a trial."""

    score: float
    passed: bool
    reasoning: str = ""
    cost_usd: float | None = 0.0
    tokens: int = 0

    @classmethod
    def of(cls, result: JudgeResult) -> Verdict:
        """Return the verdict of a judge's result."""
        return cls(
            result.score, result.passed, result.reasoning, result.cost_usd, sum(result.token_usage.values())
        )


@dataclass(slots=True)
class Trial:
    """One trial of a case."""

    case: str
    number: int
    """From 1."""
    run_id: str = ""
    """Its run; empty: it has none yet."""
    passed: bool | None = None
    """Whether it is a success; None: it is not known, see ``error``."""
    reason: str = ""
    """How its run ended, or where it rests."""
    detail: str = ""
    ended: bool = False
    """Whether its run has come to an end of which a verdict can be given."""
    error: str = ""
    """Why there is no verdict on it; empty with ``passed`` None: it is not over."""
    metrics: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """By name of the judge."""
    unknown_costs: int = 0

    @property
    def cost_usd(self) -> float:
        """What is known of its cost in US dollars, that of judges included."""
        own = self.metrics.get("cost_usd") or 0.0
        return float(own) + sum(verdict.cost_usd or 0.0 for verdict in self.verdicts.values())

    @property
    def tokens(self) -> int:
        """Its tokens, those of judges included."""
        return int(self.metrics.get("tokens") or 0) + sum(v.tokens for v in self.verdicts.values())

    @property
    def why(self) -> str:
        """Why it is no success, in a line or more; empty when it is."""
        if self.passed:
            return ""
        if self.error:
            return self.error
        if self.passed is None:
            return "it is not over"
        said = [] if self.reason in _REACHED else [f"{self.reason}: {self.detail}".rstrip(": ")]
        said += [
            f"judge {name}: {verdict.score:.2f} {verdict.reasoning}".rstrip()
            for name, verdict in self.verdicts.items()
            if not verdict.passed
        ]
        return "\n".join(said) or "what the suite says under 'passes' does not hold"


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as a success."""

    judges: Sequence[str]
    """Names of the judges whose verdicts are needed."""
    expected: Any = None
    passes: str | None = None
    """Expression in place of the default: the goal was reached, and every judge passed."""


async def read_trial(
    kernel: Kernel,
    storage: Storage,
    trial: Trial,
    evaluation: str,
    metrics: Iterable[str],
) -> RecordedRun | None:
    """Complete a trial from the journal of its run: how that stands, its metrics, and the verdicts on it.

    Args:
        kernel: The project.
        storage: Where the run is kept, opened.
        trial: The trial, whose fields are set.
        evaluation: The evaluation whose verdicts count.
        metrics: Which are measured.

    Returns:
        The run; None when there is none, or its journal is damaged.

    Raises:
        StorageError: The storage cannot be read.
    """
    try:
        run, damage = await read_what_is_there(storage, trial.run_id)
    except RunNotFound:
        return None
    _take_state(trial, run)
    trial.metrics = dict(measure(kernel, run, metrics))
    trial.unknown_costs = run.unknown_costs
    trial.verdicts = _recorded(run, evaluation)
    if damage is not None:
        trial.ended, trial.error = False, f"its journal is damaged: {damage}"
        return None
    return run


def _take_state(trial: Trial, run: RecordedRun) -> None:
    state = run.state
    trial.reason = state.reason or state.status.value
    trial.detail, trial.ended, trial.error = state.error or "", False, ""
    if trial.reason == EndReason.APPROVAL_REQUIRED:
        trial.error = f"its run waits for a person: loopengt resume {trial.run_id}"
    elif trial.reason == EndReason.STOPPED:
        trial.error = "its run was stopped by hand"
    elif state.status is RunStatus.FAILED and trial.reason == EndReason.FAILED and _lacks_something(run):
        trial.error = f"its run lacks something: {trial.detail}"
    else:
        trial.ended = state.completed_at is not None


def _lacks_something(run: RecordedRun) -> bool:
    """Whether a run failed in the midst of a step that can go on: for want of a program or a key."""
    under_way = set()
    for event in run.events:
        if event.type == "step.start":
            under_way.add(event.step)
        elif event.type in ("step.complete", "step.error"):
            under_way.discard(event.step)
    return bool(under_way)


def _recorded(run: RecordedRun, evaluation: str) -> dict[str, Verdict]:
    found = {}
    for event in run.events:
        data = event.data
        if event.type == "judge.score" and data.get("evaluation") == evaluation:
            found[str(data["judge"])] = Verdict(
                score=float(data["score"]),
                passed=bool(data["passed"]),
                reasoning=str(data.get("reasoning", "")),
                cost_usd=data.get("cost_usd"),
                tokens=sum(data.get("token_usage", {}).values()),
            )
    return found


async def settle(storage: Storage, trial: Trial, run: RecordedRun | None, rule: Rule) -> None:
    """Say whether a trial is a success, if that can be known.

    Args:
        storage: Where its run is kept, opened.
        trial: The trial, whose ``passed`` or ``error`` is set.
        run: What ``read_trial`` returned.
        rule: What counts as a success.
    """
    trial.passed = None
    if run is None or not trial.ended:
        return
    missing = [name for name in rule.judges if name not in trial.verdicts]
    if missing:
        trial.error = trial.error or f"judge {missing[0]} gave no verdict"
        return
    if rule.passes is None:
        judged = all(trial.verdicts[name].passed for name in rule.judges)
        trial.passed = trial.reason in _REACHED and judged
        return
    try:
        scope = dict((await subject_of(storage, run, expected=rule.expected)).scope())
        trial.passed = parse_expression(rule.passes).truth(scope | _own_names(trial))
    except LoopengtError as exc:
        trial.error = f"'passes' has no value: {exc}"


def _own_names(trial: Trial) -> dict[str, Any]:
    return {
        "judges": {name: {"score": v.score, "passed": v.passed} for name, v in trial.verdicts.items()},
        "metrics": trial.metrics,
    }
