"""Makes a run's result of its folded state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.engines import RunResult
from loopengt_hookspecs.models import EndReason, RunStatus

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.journal import Fold
    from loopengt_hookspecs.engines import ResumeRequest
    from loopengt_hookspecs.models import End

__all__ = ["goes_on", "is_mendable", "result_of"]


def result_of(fold: Fold, run_id: str, end: End, workspace: Path) -> RunResult:
    """Return how a run ended, or where it paused.

    Args:
        fold: The run; without anything in it when it was interrupted before its journal was read.
        run_id: Its id.
        end: Its end or pause.
        workspace: The folder that it works in.
    """
    facts = fold.header.get("workspace", {})
    return RunResult(
        run_id=run_id,
        end=end,
        snapshot=fold.snapshot,
        output=fold.last_output,
        workspace=workspace,
        workspace_kind=facts.get("kind", ""),
        workspace_branch=facts.get("branch", ""),
        questions=tuple(fold.questions.values()),
        tokens=fold.tokens,
        cost_usd=fold.cost_usd,
        unknown_costs=fold.unknown_costs,
        elapsed=fold.elapsed,
        notes=(files,) if (files := fold.header.get("forked_from", {}).get("files")) else (),
        can_resume=end.reason.status is RunStatus.PAUSED or is_mendable(fold, end),
    )


def is_mendable(fold: Fold, end: End) -> bool:
    """Whether a run that has ended failed for want of something, in the midst of a step that can go on."""
    return bool(fold.open) and end.reason is EndReason.FAILED


def goes_on(fold: Fold, end: End, request: ResumeRequest) -> bool:
    """Whether a run that has ended is taken up again: it was stopped, is mendable, or is given more."""
    if end.reason is EndReason.EXHAUSTED:
        return bool(request.add_budget) or request.accept_spec
    return end.reason is EndReason.STOPPED or is_mendable(fold, end)
