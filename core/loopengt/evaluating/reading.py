"""Reads runs as metrics see them: their events and what these come to, without large values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.errors import StorageCorrupt, StorageError
from loopengt.journal import Fold, read_events
from loopengt_hookspecs.metrics import RecordedRun

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event, LoopSpec
    from loopengt_hookspecs.storage import Storage

__all__ = ["read_recorded", "read_what_is_there"]

_TOGETHER = 64
"""Batches that are folded at once."""


async def read_recorded(storage: Storage, run_id: str) -> RecordedRun:
    """Read a run, also one that has not ended.

    Args:
        storage: Where it is kept, opened.
        run_id: Its whole id.

    Raises:
        RunNotFound: There is no such run.
        StorageCorrupt: Its journal is damaged.
        StorageError: It cannot be read.
    """
    run, damage = await read_what_is_there(storage, run_id)
    if damage is not None:
        raise damage
    return run


async def read_what_is_there(storage: Storage, run_id: str) -> tuple[RecordedRun, StorageCorrupt | None]:
    """Read a run as far as its journal is readable.

    Args:
        storage: Where it is kept, opened.
        run_id: Its whole id.

    Returns:
        The run up to the damage, and what the damage is; None: this is all of it.

    Raises:
        RunNotFound: There is no such run.
        StorageCorrupt: Not even its first event can be read.
        StorageError: It cannot be read.
    """
    fold = Fold(history=False)
    events: list[Event] = []
    damage: StorageCorrupt | None = None
    try:
        async for batch in read_events(storage, run_id, blobs=False, together=_TOGETHER):
            _take(fold, events, batch)
    except StorageCorrupt as exc:
        damage = exc
    if not fold.run_id:
        raise damage or StorageCorrupt(
            f"the journal of run {run_id} does not begin with its start", remedy="Run `loopengt doctor`."
        )
    return RecordedRun(
        state=fold.snapshot(),
        events=events,
        spec=await _spec(storage, fold),
        tokens=fold.tokens,
        cost_usd=fold.cost_usd,
        unknown_costs=fold.unknown_costs,
        elapsed=fold.elapsed,
    ), damage


def _take(fold: Fold, events: list[Event], batch: list[Event]) -> None:
    """Fold a batch.

    Raises:
        StorageCorrupt: It is readable and makes no sense.
    """
    try:
        fold.apply_all(batch)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        known = [event for event in batch if event.seq < fold.seq]
        events += known
        why = f"{type(exc).__name__}: {exc}".splitlines()[0]
        raise StorageCorrupt(
            f"event {fold.seq} of the journal makes no sense: {why}", remedy="Run `loopengt doctor`."
        ) from exc
    events += batch


async def _spec(storage: Storage, fold: Fold) -> LoopSpec | None:
    """Return the loop as it was recorded; None: it is lost, or of a version that this one does not read."""
    from pydantic import ValidationError

    from loopengt_hookspecs.models import LoopSpec

    digest = fold.header.get("spec")
    if not isinstance(digest, str):
        return None
    try:
        return LoopSpec.model_validate_json(await storage.get_blob(digest))
    except (StorageError, ValidationError):
        return None
