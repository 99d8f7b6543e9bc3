"""Gives a folded state the shape of the contract's models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import AgentState, LoopState, RunStatus, StepState

if TYPE_CHECKING:
    from loopengt.journal.folded import FoldedState
    from loopengt.journal.records import HistoryEntry, StepFold

__all__ = ["snapshot", "step_state"]


def snapshot(fold: FoldedState) -> LoopState:
    """Return the state of a run as a ``LoopState`` of its own."""
    failed = fold.status is RunStatus.FAILED and fold.end is not None
    names = [*fold.step_index, *(name for name in fold.steps if name not in fold.step_index)]
    return LoopState(
        run_id=fold.run_id,
        loop_name=fold.loop_name,
        status=fold.status,
        reason=fold.end.reason.value if fold.end is not None else None,
        current_step_index=fold.current_step_index,
        turn=fold.turn,
        step_states={name: step_state(name, fold.steps.get(name)) for name in names},
        agent_states={
            name: AgentState(
                agent_name=name,
                invocations=agent.invocations,
                total_tokens=agent.tokens,
                errors=agent.errors,
                last_output=agent.last_output,
            )
            for name, agent in fold.agents.items()
            if name  # steps with a loop of their own have no agent
        },
        context=fold.context,
        history=[_entry(entry) for entry in fold.history or ()],
        started_at=_moment(fold.started_at),
        completed_at=_moment(fold.ended_at) if fold.ended_at is not None else None,
        error=(fold.end.detail or fold.end.reason.value) if failed and fold.end is not None else None,
        checkpoints=list(fold.checkpoints),
    )


def step_state(name: str, known: StepFold | None) -> StepState:
    """Return the state of one step; pending when nothing is known of it."""
    if known is None:
        return StepState(step_name=name)
    return StepState(
        step_name=name,
        status=known.status,
        attempts=known.attempts,
        result=known.outcome.result if known.outcome is not None else None,
        started_at=_moment(known.started_at) if known.started_at is not None else None,
        completed_at=_moment(known.completed_at) if known.completed_at is not None else None,
    )


def _entry(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "step": entry.outcome.step,
        "turn": entry.turn,
        "result": entry.outcome.result,
        "timestamp": _moment(entry.at).isoformat(),
    }


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
