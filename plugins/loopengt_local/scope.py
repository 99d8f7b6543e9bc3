"""What prompts and expressions see of a run, made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopengt_hookspecs.models import StepResult
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_local.view import RunView

__all__ = ["RunScope", "StepScope"]


class StepScope(Mapping[str, Any]):
    """``steps`` in an expression or prompt: name to ``output``, ``status`` and ``attempts``."""

    def __init__(self, run: RunView) -> None:
        self._run = run

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self._run.compiled.steps:
            raise KeyError(name)
        known = self._run.fold.step(name)
        outcome = known.outcome
        return {
            "output": outcome.output if outcome is not None else None,
            "error": outcome.error if outcome is not None else None,
            "status": known.status.value,
            "attempts": known.attempts,
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.compiled.steps)

    def __len__(self) -> int:
        return len(self._run.compiled.steps)


class RunScope(Mapping[str, Any]):
    """The names of a run: the given ones first, then those of the run, then (for prompts) its context.

    Args:
        run: The run.
        names: Names that stand above all others.
        result: The result that ``output`` and ``result`` stand for; None: they are unknown.
        context_at_root: Whether the context's own names can be used directly, as prompts do.
    """

    def __init__(
        self,
        run: RunView,
        names: Mapping[str, Any],
        *,
        result: StepResult | StepOutcome | None = None,
        context_at_root: bool = False,
    ) -> None:
        self._run = run
        self._names = names
        self._result = result
        self._context_at_root = context_at_root

    def __getitem__(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        context = self._run.fold.context
        if self._context_at_root and name in context:
            return context[name]
        return self._own(name, context)

    def _own(self, name: str, context: dict[str, Any]) -> Any:
        run, result = self._run, self._result
        if name == "steps":
            return StepScope(run)
        if name == "context":
            return context
        if name == "goal":
            return run.spec.goal
        if name == "run":
            return run.facts(run.elapsed_now)
        if result is not None and name == "output":
            return result.output
        if result is not None and name == "result":
            return {
                "output": result.output,
                "error": result.error,
                "duration_seconds": result.duration_seconds,
                "token_usage": result.token_usage,
                "metadata": result.metadata,
            }
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        own = ["steps", "context", "goal", "run"] + (["output", "result"] if self._result is not None else [])
        context = self._run.fold.context if self._context_at_root else {}
        return iter(dict.fromkeys([*self._names, *context, *own]))

    def __len__(self) -> int:
        return sum(1 for _ in self)
