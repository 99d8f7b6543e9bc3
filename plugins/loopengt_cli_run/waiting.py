"""Waits for a person's answer, or for another process that drives a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.finding import find_run, is_driven
from loopengt.ownership import describe
from loopengt_cli_run.text import say
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from loopengt_cli_run.interrupts import Interrupts
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["wait_for_turn"]

_POLL_SECONDS = 0.5


async def wait_for_turn(storage: Storage, run_id: str, interrupts: Interrupts) -> bool:
    """Wait while a run asks a person, or is driven by another process.

    Returns:
        Whether it is our turn now; False: a signal came first.
    """
    told = ""
    while not interrupts.requested:
        row = await find_run(storage, run_id)
        why = _why_wait(row)
        if not why:
            return True
        if why != told:
            say(f"Waiting: run {run_id} {why}.")
            told = why
        await interrupts.wait(_POLL_SECONDS)
    return False


def _why_wait(row: RunRow) -> str:
    if is_driven(row):
        return f"is driven by {describe(row.owner or '')}"
    if row.status == "paused" and row.reason == EndReason.APPROVAL_REQUIRED:
        return "needs a person's answer"
    return ""
