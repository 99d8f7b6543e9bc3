"""A run that a pattern can be called with, without an engine: it notes what is asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.patterns import StepOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.models import HandoffContext, LoopSpec, LoopState, StepSpec

__all__ = ["PatternRun"]

MOST_STEPS = 60


class _Enough(Exception):
    """The run has come to its limits."""


class PatternRun:
    """Implements ``loopengt_hookspecs.patterns.Run``.

    Args:
        spec: The loop.
        answer: The output of every step.
        error: What every step raises; None: nothing.
        hang: Whether every step takes for ever.
    """

    enough = _Enough
    run_id = "run-1"

    def __init__(
        self, spec: LoopSpec, answer: Any, *, error: Exception | None = None, hang: bool = False
    ) -> None:
        self.spec = spec
        self.asked: list[str] = []
        """Steps, decisions and transfers, in the order in which they were asked for."""
        self._answer, self._error, self._hang = answer, error, hang

    @property
    def state(self) -> LoopState:
        """A state that has no steps yet."""
        from loopengt_hookspecs.models import LoopState

        return LoopState(run_id=self.run_id, loop_name=self.spec.name, turn=len(self.asked))

    @property
    def elapsed(self) -> float:
        """A second for everything that was asked for."""
        return float(len(self.asked))

    def now(self) -> float:
        """Time goes with what was asked for."""
        return 1_700_000_000.0 + self.elapsed

    def evaluate(self, expression: str, **names: Any) -> Any:
        """Evaluate over the names given and the last output."""
        from loopengt.expressions import parse_expression

        scope = {
            "output": self._answer,
            "context": {},
            "steps": {},
            "run": {"turn": len(self.asked)},
            **names,
        }
        return parse_expression(expression).evaluate(scope)

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
        """Note the step, and return that it has the answer."""
        name = step if isinstance(step, str) else step.name
        self._note(name)
        await (asyncio.Event().wait() if self._hang else asyncio.sleep(0))
        if self._error is not None:
            raise self._error
        return StepOutcome(name, 1, self._answer)

    async def decide(self, name: str, value: Any) -> Any:
        """Note the decision."""
        self._note(f"decision {name}")
        return value

    async def hand_off(self, context: HandoffContext) -> HandoffContext:
        """Note the transfer."""
        self._note(f"handoff to {context.to_agent}")
        return context

    async def checkpoint(self, name: str) -> str:
        """Note the checkpoint."""
        self._note(f"checkpoint {name}")
        return f"checkpoint-{len(self.asked)}"

    def _note(self, what: str) -> None:
        if len(self.asked) >= MOST_STEPS:
            raise _Enough(f"{MOST_STEPS} steps are enough")
        self.asked.append(what)
