"""How long each step of a run took, by its journal."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from loopengt.journal import read_events

if TYPE_CHECKING:
    from loopengt_hookspecs.storage import Storage

__all__ = ["seconds_a_step"]


async def seconds_a_step(storage: Storage, run_id: str) -> float:
    """Return the median of the seconds from the start of a step to that of the next."""
    starts = [
        event.at
        async for events in read_events(storage, run_id)
        for event in events
        if event.type == "step.start"
    ]
    return median(behind - before for before, behind in pairwise(starts))
