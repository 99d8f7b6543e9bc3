"""Reads from the events of runs which steps they took, when, and with what verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from loopengt.display import proof

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["Check", "Execution", "Path", "paths_of"]


@dataclass(frozen=True, slots=True)
class Check:
    """A gate's verdict on an attempt."""

    gate: str
    passed: bool
    proof: str


@dataclass(slots=True)
class Execution:
    """One execution of a step."""

    step: str
    turn: int
    occurrence: int
    agent: str
    began: int
    """Position of its first event among those of its run."""
    at: datetime
    ended: int | None = None
    """Position of its last event; None: it has not ended."""
    seconds: float | None = None
    status: str = "running"
    why: str = ""
    attempts: int = 0
    items: int = 0
    """Of a step with ``for_each``, what gathers its items: how many there are."""
    runs: list[str] = field(default_factory=list)
    """The child runs that did its attempts."""
    checks: list[Check] = field(default_factory=list)
    """The verdicts on its last attempt."""


@dataclass(slots=True)
class Path:
    """What one run did."""

    loop: str = ""
    pattern: str = ""
    executions: list[Execution] = field(default_factory=list)
    handoffs: list[tuple[int, str, str]] = field(default_factory=list)
    """Position, giver and taker of each."""
    end: tuple[str, str] | None = None
    """Reason and detail of its end or pause; None: there is none."""
    seconds: float = 0.0
    """Driven time, pauses left out."""

    def handed(self, giver: Execution, taker: Execution) -> str:
        """Say whether work was handed from one execution to the other."""
        for position, source, target in self.handoffs:
            near = giver.began < position <= taker.began
            if near and (source, target) == (giver.agent, taker.agent):
                return "handoff"
        return ""


def paths_of(events: Sequence[TraceEvent]) -> dict[str, Path]:
    """Return the path of each run by its id, in the order of their first events."""
    by_run: dict[str, list[TraceEvent]] = {}
    for event in events:
        by_run.setdefault(event.run_id, []).append(event)
    return {run_id: _Reader().read(own) for run_id, own in by_run.items()}


class _Reader:
    def __init__(self) -> None:
        self._path = Path()
        self._open: dict[str, Execution] = {}
        self._since: datetime | None = None
        self._before = 0.0

    def read(self, events: Iterable[TraceEvent]) -> Path:
        for position, event in enumerate(events):
            if event.step_name is None:
                self._of_the_run(event, position)
            else:
                self._of_a_step(event, event.step_name, position)
            if self._path.end is None and self._since is not None:
                driven = (event.timestamp - self._since).total_seconds()
                self._path.seconds = max(self._path.seconds, self._before + driven)
        return self._path

    def _of_the_run(self, event: TraceEvent, position: int) -> None:
        kind, data, path = event.event_type.value, event.data, self._path
        if kind == "loop.start":
            path.loop, path.pattern = str(data.get("loop", "")), str(data.get("pattern", ""))
            self._since = event.timestamp
        elif kind == "loop.resume":
            self._since, self._before = event.timestamp, float(data.get("elapsed") or 0.0)
            path.end = None
            for execution in self._open.values():
                execution.status, execution.why = "running", ""
        elif kind in ("loop.pause", "loop.complete", "loop.error"):
            if self._since is not None and path.end is None:
                path.seconds = self._before + max(0.0, (event.timestamp - self._since).total_seconds())
            path.end = (str(data.get("reason", "")), str(data.get("detail", "")))
            if kind == "loop.error":
                for execution in self._open.values():
                    execution.status, execution.why = "failed", f"the run ended: {path.end[0]}"
        elif kind == "handoff":
            self._handoff(event, position)

    def _handoff(self, event: TraceEvent, position: int) -> None:
        giver, taker = event.data.get("from_agent"), event.data.get("to_agent")
        self._path.handoffs.append((position, str(giver), str(taker)))

    def _of_a_step(self, event: TraceEvent, step: str, position: int) -> None:
        kind, data = event.event_type.value, event.data
        if kind == "handoff":
            self._handoff(event, position)
            return
        execution = self._open.get(step)
        if execution is None:
            if kind not in ("step.start", "step.complete", "step.error"):
                return
            execution = self._begin(event, step, position)
        if kind == "step.start":
            execution.attempts = max(execution.attempts, int(data.get("attempt") or 1))
            execution.checks.clear()
            run = data.get("run")
            if isinstance(run, str) and run not in execution.runs:
                execution.runs.append(run)
        elif kind == "step.retry":
            execution.attempts = max(execution.attempts, int(data.get("attempt") or 1))
        elif kind in ("gate.pass", "gate.fail"):
            passed = kind == "gate.pass"
            execution.checks = [check for check in execution.checks if check.gate != str(data.get("gate"))]
            execution.checks.append(Check(str(data.get("gate")), passed, proof(data, passed=passed)))
        elif kind in ("step.complete", "step.error"):
            self._end(event, self._open.pop(step), position)

    def _begin(self, event: TraceEvent, step: str, position: int) -> Execution:
        data = event.data
        made = Execution(
            step=step,
            turn=data.get("turn") or event.turn or 0,
            occurrence=data.get("occurrence") or 1,
            agent=str(data.get("agent") or ""),
            began=position,
            at=event.timestamp,
        )
        self._open[step] = made
        self._path.executions.append(made)
        return made

    def _end(self, event: TraceEvent, execution: Execution, position: int) -> None:
        data = event.data
        execution.ended = position
        items = data.get("items")
        execution.items = len(items) if isinstance(items, list) else 0
        if data.get("skipped"):
            execution.status, execution.why = "skipped", str(data["skipped"])
            return
        execution.seconds = max(0.0, (event.timestamp - execution.at).total_seconds())
        if event.event_type.value == "step.error":
            execution.status, execution.why = "failed", str(data.get("error") or "")
        else:
            execution.status = "completed"
