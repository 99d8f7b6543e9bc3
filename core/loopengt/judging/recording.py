"""Writes verdicts into the journal of a run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt.errors import StorageError
from loopengt.journal import Fold, Journal, read_events
from loopengt.ownership import current_owner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import JudgeResult
    from loopengt_hookspecs.storage import Storage

__all__ = ["note_score", "record_scores", "score_data"]

_LEASE_SECONDS = 10.0


def score_data(result: JudgeResult) -> dict[str, Any]:
    """Return the data of the ``judge.score`` event of a verdict."""
    data: dict[str, Any] = {
        "judge": result.judge_name,
        "score": result.score,
        "passed": result.passed,
        "reasoning": result.reasoning,
        "duration": round(result.duration_seconds, 6),
    }
    more = {
        "threshold": result.threshold,
        "scores": result.scores,
        "spread": result.spread,
        "criteria": result.criteria,
        "details": result.details,
        "raw_output": result.raw_output,
        "token_usage": result.token_usage,
        "cost_usd": result.cost_usd,
    }
    return data | {key: value for key, value in more.items() if value not in (None, "", [], {})}


async def note_score(journal: Journal, step: str | None, data: dict[str, Any]) -> None:
    """Add a ``judge.score`` event to what is committed next.

    Args:
        journal: The journal.
        step: Name of the step whose result was judged; None: the run's.
        data: What ``score_data`` returned, and who asked: ``gate`` and ``attempt``, or ``evaluation``.
    """
    if "raw_output" in data:
        await journal.note_large("judge.score", step, data, "raw_output")
    else:
        journal.note("judge.score", step, data)


async def record_scores(
    storage: Storage, run_id: str, results: Sequence[JudgeResult], evaluation: str
) -> None:
    """Append the verdicts of an evaluation to the journal of a run that nobody drives.

    What they cost is no cost of the run.

    Args:
        storage: Where it is kept, opened.
        run_id: The run.
        results: The verdicts.
        evaluation: Id that they share, which tells them from those of another evaluation.

    Raises:
        RunNotFound: There is no such run.
        RunOwned: A living process drives it.
    """
    lease = await storage.claim(run_id, current_owner(), _LEASE_SECONDS)
    try:
        fold = Fold(history=False)
        async for events in read_events(storage, run_id, blobs=False):
            fold.apply_all(events)
        journal = Journal(storage, fold)
        elapsed = round(fold.elapsed, 6)
        journal.take_up(lease)
        for result in results:
            data = {"evaluation": evaluation, **score_data(result), "elapsed": elapsed}
            await note_score(journal, None, data)
        await journal.commit(release=True)
    except BaseException:
        with suppress(StorageError):
            await storage.release(lease)
        raise
