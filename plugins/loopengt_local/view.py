"""A run as stop conditions, expressions and patterns look at it; nothing here changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from loopengt.expressions import parse_expression
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt.journal import Fold, Journal
    from loopengt_hookspecs.models import LoopSpec, LoopState
    from loopengt_local.compiled import CompiledLoop

__all__ = ["RunView"]


class RunView:
    """Implements ``loopengt_hookspecs.stop_conditions.Progress``.

    Args:
        compiled: The loop, bound.
        journal: The run's journal.
    """

    def __init__(self, compiled: CompiledLoop, journal: Journal) -> None:
        self.compiled = compiled
        self.journal = journal
        self.fold: Fold = journal.fold
        self._taken = 0
        """Turns taken so far."""

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.fold.run_id

    @property
    def spec(self) -> LoopSpec:
        """The loop that is run."""
        return self.compiled.spec

    @property
    def state(self) -> LoopState:
        """The state as of this place in the journal."""
        return self.fold.snapshot()

    @property
    def turn(self) -> int:
        """Turns taken so far."""
        return self._taken

    @property
    def tokens(self) -> int:
        """Tokens used by all agents of the run."""
        return self.fold.tokens

    @property
    def cost_usd(self) -> float:
        """Known cost of the run in US dollars."""
        return self.fold.cost_usd

    @property
    def goal_reached(self) -> bool:
        """Whether every step has completed and its gates passed."""
        return self.fold.goal_reached

    @property
    def failed_gates(self) -> tuple[str, ...]:
        """Gates that failed at the last execution of their step, and names of steps that failed."""
        return tuple(
            name
            for step, failed in self.fold.failures.items()
            for name in ([f.gate for f in failed] or [step])
        )

    @property
    def last_output(self) -> Any:
        """Output of the step that completed last; None without one."""
        return self.fold.last_output

    @property
    def elapsed(self) -> float:
        """Seconds that the run had been driven at this place in the journal."""
        return self.fold.elapsed

    @property
    def elapsed_now(self) -> float:
        """Seconds that the run has been driven until this moment; not for patterns to decide from."""
        return self.fold.elapsed + max(0.0, self.journal.now() - self.fold.at)

    @property
    def added(self) -> Mapping[str, float]:
        """What was added to the run's limits since it began."""
        return self.fold.added

    @property
    def time_limit(self) -> float:
        """Seconds that the run may be driven, with what was added since it began."""
        return self.compiled.time_limit + self.fold.added.get("seconds", 0)

    def now(self) -> float:
        """Return the time at this place in the journal, in seconds since the epoch."""
        return self.fold.at

    def scope(self) -> Mapping[str, Any]:
        """Make the names that expressions see; ``output`` and ``result`` are those of the last completed step."""
        return RunScope(self, {}, result=self.fold.last_outcome)

    def evaluate(self, expression: str, **names: Any) -> Any:
        """Evaluate an expression over the run's scope, with further names added."""
        # A replay must come to the same value: the time is that of the journal.
        names.setdefault("run", self.facts(self.elapsed))
        return parse_expression(expression).evaluate(RunScope(self, names, result=self.fold.last_outcome))

    def facts(self, elapsed: float) -> dict[str, Any]:
        """What expressions and prompts see as ``run``."""
        return {"turn": self._taken, "elapsed": elapsed, "tokens": self.tokens, "cost_usd": self.cost_usd}
