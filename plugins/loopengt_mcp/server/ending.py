"""Ends a run that nobody drives: it counts as stopped, and can be resumed as any stopped run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING, Any

from loopengt.finding import exact_run
from loopengt.journal import Fold, Journal, read_events
from loopengt.ownership import current_owner
from loopengt_hookspecs.models import EndReason, RunStatus
from loopengt_hookspecs.storage import StorageError

if TYPE_CHECKING:
    from loopengt_hookspecs.storage import Storage

__all__ = ["end_at_rest"]

_LEASE_SECONDS = 10.0


async def end_at_rest(storage: Storage, run_id: str, detail: str) -> bool:
    """Write into the journal of a paused or crashed run that it was stopped; return whether it was neither ended nor
    pending.

    Args:
        storage: Where the run is kept.
        run_id: Its id.
        detail: Who stopped it, or why.

    Raises:
        RunNotFound: There is no such run.
        RunOwned: A living process drives it.
    """
    lease = await storage.claim(run_id, current_owner(), _LEASE_SECONDS)
    try:
        fold = Fold(history=False)
        async for events in read_events(storage, run_id, blobs=False):
            fold.apply_all(events)
        row = await exact_run(storage, run_id)
        if row is not None and fold.status in (RunStatus.PAUSED, RunStatus.RUNNING):
            data: dict[str, Any] = {"reason": EndReason.STOPPED.value, "detail": detail}
            if fold.under_way:
                data["under_way"] = fold.under_way
            # At the time of the last event: what has passed since is not time that the run was driven.
            journal = Journal(storage, fold, clock=lambda: fold.at)
            journal.take_up(lease)
            journal.note("loop.error", None, data)
            ended = replace(
                row,
                status=EndReason.STOPPED.status.value,
                reason=EndReason.STOPPED.value,
                detail=detail,
                completed_at=time(),
            )
            await journal.commit(ended, release=True)
            return True
    except BaseException:
        with suppress(StorageError):
            await storage.release(lease)
        raise
    await storage.release(lease)
    return False
