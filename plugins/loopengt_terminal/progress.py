"""How far a run has come, brought forward event by event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt import display
from loopengt.journal import total_tokens

if TYPE_CHECKING:
    from datetime import datetime

    from loopengt_hookspecs.models import TraceEvent

__all__ = ["Progress", "StepProgress", "call_key", "follow", "tokens_of"]

_RESTS = frozenset({"loop.pause", "loop.complete", "loop.error"})
_CLOSES = frozenset({"step.complete", "step.error"})
_ANSWERS = frozenset({"agent.response", "agent.error"})
_MOST_WRITTEN = 500


@dataclass(slots=True)
class StepProgress:
    """An execution of a step that has begun."""

    name: str
    since: datetime
    turn: int = 0
    occurrence: int = 1
    attempt: int = 1
    agent: str = ""
    doing: str = "working"
    """What happens now: working, checking, or waiting, for another attempt or an answer."""
    failed_gates: list[str] = field(default_factory=list)
    """Gates that the present attempt did not pass."""
    writing: str = ""
    """The end of what its agent has written of the answer that is under way."""
    given: dict[str, Any] = field(default_factory=dict)
    """What the tools were given whose calls are under way, by the key of the call."""
    called_tokens: int = 0
    """Tokens of the requests to models that the present attempt has made so far."""
    called_cost: float = 0.0
    """What those have cost that say so."""


@dataclass(slots=True)
class Progress:
    """One run."""

    run_id: str
    since: datetime
    """When it began, or was resumed."""
    before: float = 0.0
    """Seconds that it had been driven until then."""
    loop: str = ""
    pattern: str = ""
    limits: dict[str, Any] = field(default_factory=dict)
    """Those of max_turns, max_total_time_seconds, max_tokens and max_cost_usd that are known."""
    turn: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    unknown_costs: int = 0
    """Answers of agents whose cost nobody knows."""
    resting: bool = False
    steps: dict[str, StepProgress] = field(default_factory=dict)
    """Steps under way, by name."""
    top: Progress | None = None
    """The run that this one, a child run, is a part of in the end."""
    prefix: str = ""
    """Stands before what is told of a child run: the steps that lead to it."""

    def elapsed(self, now: datetime) -> float:
        """Seconds that the run has been driven."""
        return self.before + max(0.0, (now - self.since).total_seconds())

    def lap(self, step: StepProgress) -> str:
        """Name the lap of a step, where there are laps."""
        return display.lap(self.pattern, step.occurrence)

    def apply(self, event: TraceEvent) -> StepProgress | None:
        """Apply an event and return the step that it belongs to, with its last state when it has ended."""
        kind = event.event_type.value
        if event.step_name is not None:
            return self._of_a_step(kind, event, event.step_name)
        if kind in ("loop.start", "loop.resume"):
            self._begin(kind, event)
        elif kind in _RESTS:
            self.resting = True
        return None

    def _begin(self, kind: str, event: TraceEvent) -> None:
        self.since = event.timestamp
        self.loop = getattr(event, "loop_name", "")
        self.pattern = getattr(event, "pattern", "")
        self.resting = False
        data = event.data
        if kind == "loop.resume":
            self.before = float(data.get("elapsed", 0.0))
            self.turn = data.get("turn", 0)
            self.tokens, self.cost_usd = data.get("tokens", 0), data.get("cost_usd", 0.0)
            self.unknown_costs = data.get("unknown_costs", 0)
        limits = data.get("limits")
        if isinstance(limits, dict):
            self.limits = {key: value for key, value in limits.items() if isinstance(value, int | float)}

    def _of_a_step(self, kind: str, event: TraceEvent, name: str) -> StepProgress | None:
        step = self.steps.get(name)
        if step is None:
            if kind == "agent.progress":  # it comes late: the step is done
                return None
            step = self.steps[name] = StepProgress(name, event.timestamp)
        self._update(step, kind, event)
        if kind in _CLOSES:
            del self.steps[name]
        return step

    def _update(self, step: StepProgress, kind: str, event: TraceEvent) -> None:
        data = event.data
        step.turn = data.get("turn") or event.turn or step.turn
        self.turn = max(self.turn, step.turn)
        step.occurrence = data.get("occurrence") or step.occurrence
        step.agent = event.agent_name or step.agent
        if kind in ("step.start", "step.retry"):
            step.attempt = data.get("attempt") or step.attempt
            step.failed_gates = []
            step.doing = "working" if kind == "step.start" else "waiting"
            step.writing = ""
        elif kind in _ANSWERS:
            self._settle(step, kind, data)
        elif kind == "approval.request":
            step.doing = "waiting for an answer"
        elif kind == "approval.decision":
            within = data.get("asks", data.get("kind")) in ("tool", "input")  # in the midst of an attempt
            step.doing = "working" if within else "checking"
        elif kind == "gate.fail":
            step.failed_gates.append(str(data.get("gate")))
        else:
            self._of_a_call(step, kind, data)

    def _of_a_call(self, step: StepProgress, kind: str, data: dict[str, Any]) -> None:
        if kind == "agent.progress" and step.doing == "working":
            step.writing = (step.writing + str(data.get("text") or ""))[-_MOST_WRITTEN:]
        elif kind == "tool.call":
            step.given[call_key(data)] = data.get("input")
        elif kind in ("model.response", "model.error"):
            step.writing = ""
            tokens, cost = tokens_of(data), data.get("cost_usd") or 0.0
            step.called_tokens += tokens
            step.called_cost += cost
            self.tokens += tokens
            self.cost_usd += cost

    def _settle(self, step: StepProgress, kind: str, data: dict[str, Any]) -> None:
        """An attempt's agent has ended; its figures hold those of the requests that it has made."""
        self.tokens -= step.called_tokens
        self.cost_usd = max(0.0, self.cost_usd - step.called_cost)
        step.called_tokens, step.called_cost, step.writing = 0, 0.0, ""
        step.given.clear()
        if kind == "agent.response":
            step.doing = "checking"
            self._spend(data)
        elif "cost_source" in data or "token_usage" in data:
            self._spend({"cost_usd": 0.0, **data} if "cost_source" not in data else data)

    def _spend(self, data: dict[str, Any]) -> None:
        self.tokens += tokens_of(data)
        self.unknown_costs += data.get("unknown_costs", 0)
        cost = data.get("cost_usd")
        if cost is None:
            self.unknown_costs += 1
        else:
            self.cost_usd += cost


def follow(runs: dict[str, Progress], event: TraceEvent) -> tuple[Progress, StepProgress | None]:
    """Bring forward the run of an event, and return it with the step that the event belongs to.

    Args:
        runs: Those under way, by id; a new one is added, one that rests is taken out.
        event: What happened.
    """
    progress = runs.get(event.run_id)
    if progress is None:
        progress = runs[event.run_id] = Progress(event.run_id, event.timestamp)
        parent = runs.get(str(event.data.get("parent"))) if event.step_name is None else None
        if parent is not None:
            step_name = display.visible(str(event.data.get("parent_step", "")))
            progress.top, progress.prefix = parent.top or parent, f"{parent.prefix}{step_name} > "
    step = progress.apply(event)
    if progress.resting:
        del runs[event.run_id]
    return progress, step


def tokens_of(data: dict[str, Any]) -> int:
    """Return the tokens of an answer (an ``agent.response`` event's data)."""
    return total_tokens(data.get("token_usage") or {})


def call_key(data: dict[str, Any]) -> str:
    """Return what tells a call of a tool from others: the engine's key, the agent's own, or just the tool's name."""
    return str(data.get("call") or data.get("call_id") or data.get("tool"))
