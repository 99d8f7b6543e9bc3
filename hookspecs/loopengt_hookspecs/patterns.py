"""Extension point: patterns, the ordinary async functions that decide which step comes next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from loopengt_hookspecs.models import End, HandoffContext, LoopSpec, LoopState, StepResult, StepSpec
    from loopengt_hookspecs.registration import Register


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


@dataclass(frozen=True, slots=True)
class GateFailure:
    """A gate that did not pass at the last attempt of a step."""

    gate: str
    feedback: str


@dataclass(slots=True)
class StepOutcome:
    """How one execution of a step came out, after its attempts and gates. Read it; do not change it."""

    step: str
    attempts: int
    output: Any = None
    """The agent's output; None when the step failed before there was one."""
    error: str | None = None
    """Why the step failed, or None."""
    failures: tuple[GateFailure, ...] = ()
    """Gates that did not pass; with a completed step these are gates whose failure is tolerated."""
    skipped: bool = False
    """True when the step did not run: a dependency failed, was skipped, or its condition was false."""
    duration_seconds: float = 0.0
    token_usage: Mapping[str, int] = field(default_factory=_nothing)
    """Tokens of all attempts, by kind."""
    metadata: Mapping[str, Any] = field(default_factory=_nothing)

    @property
    def result(self) -> StepResult:
        """The outcome as the contract's ``StepResult``."""
        from loopengt_hookspecs.models import StepResult

        return StepResult(
            output=self.output,
            error=self.error,
            duration_seconds=self.duration_seconds,
            token_usage=dict(self.token_usage),
            metadata=dict(self.metadata),
        )

    @property
    def passed(self) -> bool:
        """Whether the step did its work and every gate passed; a skipped step did nothing wrong."""
        return self.error is None and not self.failures

    @property
    def feedback(self) -> str:
        """What the next attempt or lap should know: the gates' texts, or the error."""
        if self.failures:
            return "\n\n".join(f"[{f.gate}] {f.feedback}" for f in self.failures)
        return self.error or ""


class Run(Protocol):
    """A run as its pattern sees it.

    Everything a pattern decides from must come from here (outcomes, ``now()``, ``elapsed``), never from the
    wall clock or randomness: after a crash the same function is called again and must ask for the same
    steps in the same order. Recorded steps then return at once. A pattern with concurrent steps acts on one
    outcome at a time: how many are ready together is a matter of timing, and may differ on a replay.
    """

    @property
    def run_id(self) -> str:
        """Id of the run."""

    @property
    def spec(self) -> LoopSpec:
        """The loop that is run."""

    @property
    def state(self) -> LoopState:
        """The state as of this place in the journal. Read it; do not change it."""

    @property
    def elapsed(self) -> float:
        """Seconds that the run had been driven at this place in the journal."""

    def now(self) -> float:
        """Return the time at this place in the journal, in seconds since the epoch."""

    def evaluate(self, expression: str, **names: Any) -> Any:
        """Evaluate an expression over the run's scope, with further names added.

        Raises:
            ExpressionError: It cannot be parsed, or names something unknown.
        """

    async def step(
        self,
        step: StepSpec | str,
        *,
        feedback: str = "",
        names: Mapping[str, Any] | None = None,
        retry_gates: bool = True,
        tolerate: bool = False,
        parallel: bool = False,
    ) -> StepOutcome:
        """Take one turn: execute a step with its attempts and gates, or return its recorded outcome.

        A step with ``for_each`` takes a turn for each item; its outcome gathers theirs. However many steps are asked
        for at once, at most ``policy.max_concurrency`` execute at the same time, in the order asked for.

        Args:
            step: The step, or its name.
            feedback: What the first attempt should know of earlier failures; ``{feedback}`` in the prompt.
            names: Further names for the prompt, such as ``lap`` or ``handoff``.
            retry_gates: Whether a failed gate with ``on_failure: retry`` is answered by another attempt at
                once. False leaves the answer to the pattern, as ``repeat`` does with its next lap.
            tolerate: Whether a failed step comes back as an outcome. False: a failed step ends the run.
            parallel: Whether the items of a step with ``for_each`` are worked on at the same time. They are, too,
                when the policy says ``allow_parallel``.

        Raises:
            ReplayMismatch: The journal holds another step at this place.
        """

    async def decide(self, name: str, value: Any) -> Any:
        """Record a decision in the journal, or return the recorded one.

        Args:
            name: What is decided; unique per occurrence, like a step's name.
            value: JSON data.
        """

    async def hand_off(self, context: HandoffContext) -> HandoffContext:
        """Record that one agent hands work to another, and return what is handed over.

        Raises:
            UsageError: An agent that is named is not one of the loop's.
        """

    async def checkpoint(self, name: str) -> str:
        """Save a checkpoint, with the state of the workspace where it is the run's own, and return its id."""


Pattern = Callable[[Run], Awaitable["End | None"]]
"""A pattern: ``async def pattern(run: Run) -> End | None``.

None means that the pattern has no more steps to take: the run ends ``goal_met`` when every step has completed
and its gates passed, else ``blocked`` by the gate that did not."""


@hookspec
def loopengt_register_patterns(register: Register[Pattern]) -> None:
    """Register patterns.

    Called once when the plugin is loaded, before any spec is read.

    Args:
        register: ``register(name, target, summary=…)``; the name is what ``pattern`` in a spec says, the
            target an async function of one ``Run``.

    Raises:
        PluginError: Another plugin registers a pattern of the same name.

    Since: 0.2
    """
