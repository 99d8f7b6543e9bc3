"""What a page tells of a run: its executions, their attempts, and what happened within and between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Attempt", "Call", "Check", "Execution", "Note", "Run", "Score", "Usage"]


@dataclass(slots=True)
class Usage:
    """What something has used."""

    tokens: int = 0
    cost: float = 0.0
    """US dollars, as far as they are known."""
    unknown: int = 0
    """Answers whose cost nobody knows."""

    def add(self, other: Usage) -> None:
        """Add what something else has used."""
        self.tokens += other.tokens
        self.cost += other.cost
        self.unknown += other.unknown


@dataclass(slots=True)
class Call:
    """One request to a model, or one call of a tool. All times are seconds since the page's run began."""

    kind: str
    """model or tool."""
    key: str
    """What tells it from others of its attempt; empty: its agent does not say."""
    began: float
    name: str = ""
    ended: float | None = None
    status: str = ""
    """ok or failed; empty: nobody knows."""
    given: Any = None
    output: Any = None
    error: str = ""
    usage: Usage | None = None
    seq: int = 0


@dataclass(slots=True)
class Check:
    """A gate's verdict on one attempt."""

    gate: str
    kind: str
    passed: bool
    summary: str
    proof: Any
    feedback: str
    seconds: float
    at: float
    seq: int
    usage: Usage | None = None


@dataclass(slots=True)
class Score:
    """A judge's verdict."""

    at: float
    seq: int
    data: dict[str, Any]


@dataclass(slots=True)
class Attempt:
    """One attempt at a step."""

    number: int
    began: float
    seq: int
    ended: float | None = None
    waited: float = 0.0
    """Seconds of delay before it."""
    why: str = ""
    """Why it was made, when it is not the first: error, gate or rate_limit."""
    asked: float | None = None
    """When the agent was asked."""
    prompt: Any = None
    provider: str = ""
    model: str = ""
    answered: float | None = None
    """When the agent answered, or failed."""
    output: Any = None
    has_output: bool = False
    error: str = ""
    seconds: float = 0.0
    usage: Usage | None = None
    origin: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    run: str = ""
    """The child run that does it."""

    def spent(self) -> Usage:
        """What it has used: what its agent says, else its requests so far; and what its judges have used."""
        total = Usage()
        if self.usage is not None:
            total.add(self.usage)
        else:
            for call in self.calls:
                total.add(call.usage or Usage())
        for check in self.checks:
            total.add(check.usage or Usage())
        return total


@dataclass(slots=True)
class Execution:
    """One execution of a step: a turn."""

    run: str
    step: str
    declared: str
    """The step as the loop names it; another than ``step`` for an item of a list."""
    turn: int
    lap: int
    """Which execution of this step, from 1."""
    agent: str
    began: float
    seq: int
    ended: float | None = None
    last_seq: int | None = None
    status: str = "running"
    """running, completed, failed or skipped."""
    why: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    items: list[Execution] = field(default_factory=list)
    """Those that it gathers."""
    number: int = 0
    """Its place in the page."""
    parent: Execution | None = None
    """What gathers it."""


@dataclass(slots=True)
class Note:
    """Something that happened between the steps, in words."""

    at: float
    seq: int
    kind: str
    text: str
    step: str = ""
    detail: Any = None


@dataclass(slots=True)
class Run:
    """A run, or a child run."""

    id: str
    header: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0
    ended: float = 0.0
    executions: list[Execution] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    """Verdicts on the run as a whole."""
    pauses: list[tuple[float, float, str]] = field(default_factory=list)
    """From when to when nobody drove it, and why."""
    end: tuple[str, str] | None = None
    """Reason and detail of its end or pause; None: there is none."""
    driven: float = 0.0

    def driven_between(self, since: float, until: float) -> float:
        """Seconds from one time to another, without pauses."""
        rested = sum(max(0.0, min(until, end) - max(since, begin)) for begin, end, _ in self.pauses)
        return until - since - rested

    def spent(self) -> Usage:
        """What all attempts have used."""
        total = Usage()
        for execution in self.executions:
            for attempt in execution.attempts:
                total.add(attempt.spent())
        return total
