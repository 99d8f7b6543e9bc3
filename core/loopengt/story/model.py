"""What a run did, as people tell it: executions of steps, their attempts, and the gates and judges of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from loopengt.story.calls import Call

__all__ = ["Attempt", "Check", "Execution", "Note", "Score", "Story"]


@dataclass(slots=True)
class Score:
    """What a judge said."""

    judge: str
    score: float
    passed: bool
    threshold: float | None = None
    reasoning: str = ""
    scores: list[float] = field(default_factory=list)
    """The single scores, of a judge that was asked more than once."""
    spread: float | None = None
    criteria: dict[str, float] = field(default_factory=dict)
    """Scores by criterion."""
    seconds: float = 0.0
    tokens: int = 0
    cost_usd: float | None = None
    step: str = ""
    """The step whose result was judged; empty: it is the run's."""


@dataclass(slots=True)
class Check:
    """A gate's verdict on one attempt."""

    gate: str
    passed: bool
    proof: str
    """What shows it, in one line."""
    feedback: str
    seconds: float
    tokens: int = 0
    """Tokens of the agents that it has asked."""
    cost_usd: float = 0.0
    """What is known of their cost."""
    unknown_costs: int = 0
    """Their answers whose cost nobody knows."""
    scores: list[Score] = field(default_factory=list)
    """What its judges said."""


@dataclass(slots=True)
class Attempt:
    """One attempt at a step."""

    number: int
    seconds: float = 0.0
    tokens: int = 0
    cost_usd: float | None = None
    answered: bool = False
    output: Any = None
    error: str = ""
    waited: float = 0.0
    """Seconds of delay before it."""
    origin: list[str] = field(default_factory=list)
    """Where the answer comes from, when that is not what the agent's name says."""
    calls: list[Call] = field(default_factory=list)
    """Its requests to models and calls of tools, in the order of their beginning."""
    checks: list[Check] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    """What judges said whose gate has no verdict."""
    asked: int | None = None
    """A number that is the same for equal prompts within one process; None: nobody was asked."""
    unknown_costs: int = 0
    """Calls of agents whose cost nobody knows, beside its own answer."""
    run: str = ""
    """The child run that does it, of a step with a loop of its own."""
    child: Story | None = None
    """What that run did, where it is known."""

    @property
    def spent(self) -> tuple[int, float | None]:
        """Tokens and cost; while its agent has not ended, those of its requests to models so far."""
        if self.answered or self.error:
            return self.tokens, self.cost_usd
        costs = [call.cost_usd for call in self.calls if call.cost_usd is not None]
        return sum(call.tokens for call in self.calls), sum(costs) if costs else None

    @property
    def open_child(self) -> Story | None:
        """The child run, while the attempt does not say itself yet what it has used."""
        return None if self.answered or self.error else self.child


@dataclass(slots=True)
class Execution:
    """One execution of a step: a turn."""

    step: str
    turn: int
    occurrence: int
    """Which execution of this step, from 1: the lap, in a repeating pattern."""
    agent: str
    began: datetime
    seconds: float | None = None
    """None: it has not ended."""
    status: str = "running"
    """running, completed, failed or skipped."""
    why: str = ""
    """Why it failed or was skipped."""
    attempts: list[Attempt] = field(default_factory=list)
    items: int = 0
    """Of a step with ``for_each``, what gathers its items: how many there are."""

    @property
    def tokens(self) -> int:
        """Tokens of all attempts and their gates, those of a child run that is under way included."""
        children = [attempt.open_child for attempt in self.attempts]
        below = sum(child.tokens for child in children if child is not None)
        gates = sum(check.tokens for attempt in self.attempts for check in attempt.checks)
        return below + gates + sum(tokens for tokens, _ in self._spent)

    @property
    def cost(self) -> tuple[float, int]:
        """Known cost in US dollars, and the number of answers whose cost nobody knows."""
        known = sum(cost or 0.0 for _, cost in self._spent)
        unknown = sum(attempt.answered and attempt.cost_usd is None for attempt in self.attempts)
        unknown += sum(attempt.unknown_costs for attempt in self.attempts)
        checks = [check for attempt in self.attempts for check in attempt.checks]
        known += sum(check.cost_usd for check in checks)
        unknown += sum(check.unknown_costs for check in checks)
        costs = [attempt.open_child.cost for attempt in self.attempts if attempt.open_child is not None]
        return known + sum(cost for cost, _ in costs), unknown + sum(count for _, count in costs)

    @property
    def _spent(self) -> list[tuple[int, float | None]]:
        """Tokens and cost of each attempt; requests of an earlier one that did not end are debited to a later one."""
        ended = [(attempt.tokens, attempt.cost_usd) for attempt in self.attempts[:-1]]
        return [*ended, *(attempt.spent for attempt in self.attempts[-1:])]


@dataclass(slots=True)
class Note:
    """Something that happened between the steps, in words."""

    at: datetime
    text: str


@dataclass(slots=True)
class Story:
    """A whole run."""

    header: dict[str, Any] = field(default_factory=dict)
    """Data of the ``loop.start`` event."""
    parts: list[Execution | Note] = field(default_factory=list)
    """Executions and notes, in the order of their beginning."""
    end: tuple[str, str] | None = None
    """Reason and detail of the end or pause; None: there is none."""
    seconds: float = 0.0
    """Driven time, pauses left out."""
    evaluations: dict[str, list[Score]] = field(default_factory=dict)
    """What judges said after the run, by the id of the evaluation; no part of what the run has used."""

    @property
    def executions(self) -> list[Execution]:
        """The executions alone."""
        return [part for part in self.parts if isinstance(part, Execution)]

    @property
    def tokens(self) -> int:
        """Tokens of the whole run."""
        return sum(execution.tokens for execution in self.executions)

    @property
    def cost(self) -> tuple[float, int]:
        """Known cost in US dollars, and the number of answers whose cost nobody knows."""
        costs = [execution.cost for execution in self.executions]
        return sum(known for known, _ in costs), sum(unknown for _, unknown in costs)

    @property
    def output(self) -> Any:
        """The last output of a step that completed; None without one."""
        for execution in reversed(self.executions):
            if execution.status == "completed":
                return execution.attempts[-1].output if execution.attempts else None
        return None
