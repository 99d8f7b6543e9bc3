"""Tells a run from its events: executions of steps, their attempts, and the gates of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt.display import decision, one_line, origin, proof
from loopengt.journal import total_tokens
from loopengt_exporters.calls import CALLS, Call, add_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from loopengt_hookspecs.models import TraceEvent

__all__ = ["Attempt", "Check", "Execution", "Note", "Story", "tell"]

_LONGEST_PROOF = 100


@dataclass(slots=True)
class Check:
    """A gate's verdict on one attempt."""

    gate: str
    passed: bool
    proof: str
    """What shows it, in one line."""
    feedback: str
    seconds: float


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
        """Tokens of all attempts, those of a child run that is under way included."""
        children = [attempt.open_child for attempt in self.attempts]
        below = sum(child.tokens for child in children if child is not None)
        return below + sum(tokens for tokens, _ in self._spent)

    @property
    def cost(self) -> tuple[float, int]:
        """Known cost in US dollars, and the number of answers whose cost nobody knows."""
        known = sum(cost or 0.0 for _, cost in self._spent)
        unknown = sum(attempt.answered and attempt.cost_usd is None for attempt in self.attempts)
        unknown += sum(attempt.unknown_costs for attempt in self.attempts)
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


def tell(events: Sequence[TraceEvent]) -> Story:
    """Make the story of a run's events; what is missing at the end of a damaged journal is left open.

    Args:
        events: The events of the run, and of its child runs wherever among them; the first is the run's.
    """
    by_run: dict[str, list[TraceEvent]] = {}
    for event in events:
        by_run.setdefault(event.run_id, []).append(event)
    stories = {run_id: _Teller().tell(own) for run_id, own in by_run.items()}
    for story in stories.values():
        for execution in story.executions:
            for attempt in execution.attempts:
                attempt.child = stories.get(attempt.run)
    return next(iter(stories.values()), Story())


class _Teller:
    def __init__(self) -> None:
        self._story = Story()
        self._open: dict[str, Execution] = {}
        self._latest: dict[str, Execution] = {}
        self._before = 0.0
        self._since: datetime | None = None

    def tell(self, events: Iterable[TraceEvent]) -> Story:
        last = None
        for event in events:
            if self._story.end is None:  # what a person answers while the run rests is no driven time
                last = event.timestamp if last is None else max(last, event.timestamp)
            if event.step_name is None:
                self._of_the_run(event)
            else:
                self._of_a_step(event, event.step_name)
        if last is not None and self._since is not None:
            self._story.seconds = self._before + max(0.0, (last - self._since).total_seconds())
        return self._story

    def _of_the_run(self, event: TraceEvent) -> None:
        kind, data = event.event_type.value, event.data
        if kind == "loop.start":
            self._story.header = data
            self._since = event.timestamp
        elif kind == "loop.resume":
            self._before, self._since = float(data.get("elapsed", 0.0)), event.timestamp
            after = self._story.end
            self._story.end = None
            for execution in self._open.values():
                execution.status, execution.why = "running", ""
            resumed = f"resumed after {after[0]}: {after[1]}" if after else "resumed after a crash"
            fork = (
                f"forked from run {data['forked_from']} at {data.get('at')}" if "forked_from" in data else ""
            )
            self._note(event, fork or resumed)
        elif kind in ("loop.pause", "loop.complete", "loop.error"):
            self._story.end = (str(data.get("reason", "")), str(data.get("detail", "")))
            if kind == "loop.error":  # what is open stays so: a resumed run goes on with it
                for execution in self._open.values():
                    execution.status, execution.why = "failed", f"the run ended: {self._story.end[0]}"
        elif kind == "decision":
            self._note(event, f"decided {data.get('name')}: {data.get('value')}")
        else:
            self._note(event, _words(kind, data))

    def _note(self, event: TraceEvent, text: str) -> None:
        self._story.parts.append(Note(event.timestamp, text))

    def _of_a_step(self, event: TraceEvent, step: str) -> None:
        kind, data = event.event_type.value, event.data
        if kind == "step.start":
            self._start(event, step)
            return
        if kind == "approval.request":
            given = f" {one_line(data['input'])}" if data.get("input") else ""
            self._note(event, f"{step}: asked: {data.get('question')}{given}")
            return
        if kind == "approval.decision":
            self._note(event, f"{step}: decided: {decision(data)}")
            return
        execution = self._open.get(step)
        if execution is None:
            execution = self._begin(event, step)
        if kind in ("step.complete", "step.error"):
            self._end(event, self._open.pop(step))
        elif kind == "step.retry":
            number = data.get("attempt") or len(execution.attempts) + 1
            execution.attempts.append(Attempt(number, waited=data.get("delay") or 0.0))
        else:
            self._of_an_attempt(kind, data, _last_attempt(execution))

    def _start(self, event: TraceEvent, step: str) -> None:
        execution = self._open.get(step) or self._begin(event, step)
        number = event.data.get("attempt") or 1
        # After a crash an attempt begins again, and a retry was announced before: both are the same attempt.
        if not execution.attempts or execution.attempts[-1].number != number:
            execution.attempts.append(Attempt(number))
        execution.attempts[-1].run = str(event.data.get("run") or "")

    def _begin(self, event: TraceEvent, step: str) -> Execution:
        data = event.data
        turn = data.get("turn") or event.turn or 0
        execution = Execution(
            step, turn, data.get("occurrence") or 1, str(data.get("agent") or ""), event.timestamp
        )
        self._open[step] = self._latest[step] = execution
        self._story.parts.append(execution)
        return execution

    def _end(self, event: TraceEvent, execution: Execution) -> None:
        data = event.data
        items = [self._latest[name] for name in data.get("items") or () if name in self._latest]
        execution.items = len(items)
        began = min([execution.began, *(item.began for item in items)])
        execution.seconds = max(0.0, (event.timestamp - began).total_seconds())
        if data.get("skipped"):
            execution.status, execution.why = "skipped", str(data["skipped"])
        elif event.event_type.value == "step.error":
            execution.status, execution.why = "failed", str(data.get("error") or "")
        else:
            execution.status = "completed"

    def _of_an_attempt(self, kind: str, data: dict[str, Any], attempt: Attempt) -> None:
        if kind == "agent.response":
            attempt.answered = True
            attempt.output = data.get("output")
            attempt.origin = origin(data)
            attempt.seconds += data.get("duration") or 0.0
            attempt.tokens += total_tokens(data.get("token_usage") or {})
            attempt.cost_usd = data.get("cost_usd")
            attempt.unknown_costs = data.get("unknown_costs", 0)
        elif kind == "agent.error":
            attempt.error = str(data.get("error") or "")
            attempt.seconds += data.get("duration") or 0.0
            attempt.tokens += total_tokens(data.get("token_usage") or {})
            attempt.cost_usd = data.get("cost_usd", attempt.cost_usd)
            attempt.unknown_costs = data.get("unknown_costs", 0) + (data.get("cost_source") == "unknown")
        elif kind in ("gate.pass", "gate.fail"):
            attempt.checks.append(
                Check(
                    str(data.get("gate")),
                    kind == "gate.pass",
                    proof(data, passed=kind == "gate.pass", limit=_LONGEST_PROOF),
                    str(data.get("feedback") or ""),
                    data.get("duration") or 0.0,
                )
            )
        elif kind in CALLS:
            add_call(attempt.calls, kind, data)


def _words(kind: str, data: dict[str, Any]) -> str:
    """Say what an event is about that belongs to no step."""
    if kind == "handoff":
        return f"handoff: {data.get('from_agent')} -> {data.get('to_agent')}"
    if kind.startswith("checkpoint."):
        return f"{kind}: {data.get('checkpoint_id')}"
    if kind == "budget.add":
        added = data.get("added") or {}
        return f"added to the budget: {', '.join(f'{key}={value:g}' for key, value in added.items())}"
    if kind == "budget.exceeded":
        return f"budget exceeded: {data.get('budget')}"
    return kind


def _last_attempt(execution: Execution) -> Attempt:
    if not execution.attempts:
        execution.attempts.append(Attempt(1))
    return execution.attempts[-1]
