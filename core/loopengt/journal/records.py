"""What a fold knows of steps, agents and executions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import StepStatus

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.patterns import StepOutcome

__all__ = [
    "REMEMBERED_ATTEMPTS",
    "AgentFold",
    "CallsFold",
    "CallsUse",
    "HistoryEntry",
    "OpenStep",
    "ProgressFold",
    "StepFold",
    "Usage",
    "is_turn",
    "total_tokens",
]

REMEMBERED_ATTEMPTS = 20_000
"""Attempts of a run that are remembered, to see whether a later one comes to the same."""


@dataclass(slots=True)
class StepFold:
    """What is known of one step: where it stands, and how its last execution came out."""

    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    started_at: float | None = None
    """When its last attempt began, in seconds since the epoch."""
    completed_at: float | None = None
    outcome: StepOutcome | None = None


@dataclass(slots=True)
class Usage:
    """What an agent, or a step, has consumed of its budget."""

    turns: int = 0
    """Executions of steps."""
    seconds: float = 0.0
    """Time that agents worked."""
    tokens: int = 0
    cost_usd: float = 0.0
    unknown_costs: int = 0
    """Attempts whose cost nobody knows."""

    def add(self, seconds: float, tokens: int, cost_usd: float) -> None:
        """Add one attempt."""
        self.seconds += seconds
        self.tokens += tokens
        self.cost_usd += cost_usd


@dataclass(slots=True)
class AgentFold(Usage):
    """What is known of one agent."""

    invocations: int = 0
    errors: int = 0
    last_output: Any = None
    last_metadata: Mapping[str, Any] | None = None
    """Metadata of its last reply, such as the id of its session; None: it has not replied."""


@dataclass(slots=True)
class ProgressFold:
    """What the run has come to so far, for no_progress."""

    seen: dict[tuple[str, str], None] = field(default_factory=dict)
    """Steps with the fingerprints of what they came to, those met last at the end."""
    repeats: dict[str, int] = field(default_factory=dict)
    """How often each step has come to nothing new since anything new was there."""
    same: dict[str, str] = field(default_factory=dict)
    """What stayed the same, by the steps in ``repeats``."""
    best: float | None = None
    """The best value of the metric."""

    def knows(self, step: str, signature: str) -> bool:
        """Whether a step has come to that before."""
        return (step, signature) in self.seen

    def apply(self, step: str, data: dict[str, Any]) -> None:
        """Bring it forward by a ``progress`` event."""
        if "signature" in data:
            key = (step, data["signature"])
            self.seen.pop(key, None)
            self.seen[key] = None
            if len(self.seen) > REMEMBERED_ATTEMPTS:
                del self.seen[next(iter(self.seen))]
        if "best" in data:
            self.best = data["best"]
        if data["new"]:
            self.repeats.clear()
            self.same.clear()
        else:
            self.repeats[step] = self.repeats.get(step, 0) + 1
            self.same[step] = data.get("same", "")


@dataclass(slots=True)
class CallsFold:
    """What is known of the calls that an agent made within its attempt, or in attempts that this one goes on from."""

    since: int
    """The attempt that began them."""
    results: dict[str, Event] = field(default_factory=dict)
    """How each call came out (a ``model.response``, ``tool.result`` or ``tool.error`` event), by its key."""
    begun: dict[str, Event] = field(default_factory=dict)
    """Calls of tools that may be made once only and have no result yet (``tool.call`` events), by key."""
    anew: int = 0
    """Position up to which nothing counts, since a call differed there from the recorded one."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Digests of calls up to there that may be made once only, each with the position of the call."""

    def begin_anew(self, position: int) -> None:
        """Let what is recorded up to a position count no more."""
        self.anew = position
        for known in (self.results, self.begun):
            for key, event in tuple(known.items()):
                if event.seq <= position:
                    del known[key]
                    if event.data.get("once"):
                        self.dropped[event.data["digest"]] = event.seq


@dataclass(slots=True)
class CallsUse:
    """What the requests to models of one attempt have used so far; debited when the attempt is over."""

    requests: int = 0
    token_usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float = 0.0
    """What those have cost that say so."""
    unpriced: int = 0
    """Requests that do not say what they cost."""

    @property
    def tokens(self) -> int:
        """All tokens."""
        return total_tokens(self.token_usage) if self.token_usage else 0

    def add(self, data: Mapping[str, Any]) -> None:
        """Add one request, by the data of its ``model.response`` event."""
        self.requests += 1
        for kind, count in data.get("token_usage", {}).items():
            self.token_usage[kind] = self.token_usage.get(kind, 0) + count
        if "cost_usd" in data:
            self.cost_usd += data["cost_usd"]
        else:
            self.unpriced += 1


@dataclass(slots=True)
class OpenStep:
    """An execution of a step that has begun and not ended."""

    step: str
    occurrence: int
    turn: int
    agent: str
    attempt: int
    began_at: float
    declared: str
    """Name of the step as declared; that of an instance of a for_each step has its key behind it."""
    feedback: str = ""
    """What the current attempt was told of earlier failures."""
    retry_at: float = 0.0
    """When the current attempt may begin, in seconds since the epoch; 0: at once."""
    delay: float = 0.0
    """Seconds that lay between the failure and ``retry_at``."""
    waited: float = 0.0
    """Seconds that the current attempt was to wait for rate limits."""
    invoked: bool = False
    """Whether the current attempt's agent was called."""
    response: dict[str, Any] | None = None
    """What the agent answered at the current attempt (an ``agent.response`` event's data)."""
    error: dict[str, Any] | None = None
    """How the agent failed at the current attempt (an ``agent.error`` event's data)."""
    run: str | None = None
    """The child run that does the current attempt, of a step with ``loop``."""
    verdicts: dict[str, tuple[bool, str]] | None = None
    """Gates checked at the current attempt: whether they passed, and their feedback."""
    token_usage: dict[str, int] | None = None
    """Tokens of all attempts."""
    weighed: int = 0
    """The last attempt of which a ``progress`` event tells what it came to; 0: none."""
    calls: CallsFold | None = None
    """The agent's calls of models and tools; None: there are none."""
    use: CallsUse | None = None
    """What those of the current attempt have used; None: nothing, or it is debited."""


@dataclass(slots=True)
class HistoryEntry:
    """One finished execution of a step."""

    turn: int
    at: float
    outcome: StepOutcome


def is_turn(start: Event, invoke: Event, response: Event, complete: Event) -> bool:
    """Whether four events are a whole turn that went well at the first attempt, or at one that was taken up again."""
    return (
        complete.type == "step.complete"
        and start.type == "step.start"
        and response.type == "agent.response"
        and invoke.type == "agent.invoke"
        and start.step == invoke.step == response.step == complete.step
    )


def total_tokens(usage: Mapping[str, int]) -> int:
    """Return the tokens that a usage stands for: its ``total_tokens``, else prompt and completion together."""
    if "total_tokens" in usage:
        return usage["total_tokens"]
    if "prompt_tokens" in usage or "completion_tokens" in usage:
        return usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)
    return sum(usage.values())
