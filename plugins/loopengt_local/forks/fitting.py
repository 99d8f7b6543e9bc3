"""Tries whether a pattern fits a recorded beginning of a run, without executing or writing anything."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt import ReplayMismatch
from loopengt.journal import Fold, Journal, Replay
from loopengt.journal.copying import events_upto
from loopengt_hookspecs.errors import StorageError
from loopengt_local.run import LocalRun
from loopengt_local.slots import Slots

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_hookspecs.storage import RunRow, Storage
    from loopengt_local.compiled import CompiledLoop
    from loopengt_local.forks.rewriting import Rewriting

__all__ = ["check_fits"]


async def check_fits(
    storage: Storage, run_id: str, seq: int, change: Rewriting, compiled: CompiledLoop, workspace: Path
) -> None:
    """Replay the beginning of a run to a loop, up to where it would go live.

    Args:
        storage: Where the run is kept.
        run_id: The run.
        seq: Position of the last event of the beginning.
        change: Applied to each event.
        compiled: The loop.
        workspace: The folder that the run works in.

    Raises:
        ReplayMismatch: The loop asks for something else than the journal holds.
        StorageError: The journal cannot be read.
    """
    fold = Fold(history=False)
    live = asyncio.Event()

    async def went_live() -> None:
        live.set()
        await _for_ever()

    replay = Replay(lambda after: events_upto(storage, run_id, seq, after=after, change=change), fold)
    run = LocalRun(compiled, _Mute(storage, fold), workspace, replay=replay, went_live=went_live)
    run.slots = Slots(0)  # nothing is executed, also not by branches that go live beside the first
    calling = asyncio.create_task(_call(run, replay, compiled), name="loopengt fork")
    waiting = asyncio.create_task(live.wait())
    try:
        await asyncio.wait({calling, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if calling.done():
            calling.result()
    finally:
        for task in (calling, waiting):
            task.cancel()
        await asyncio.gather(calling, waiting, return_exceptions=True)
        with suppress(ReplayMismatch):
            await run.close()


async def _call(run: LocalRun, replay: Replay, compiled: CompiledLoop) -> None:
    await replay.start()
    failed = False
    try:
        await compiled.pattern(run)
    except Exception as exc:
        for leaf in _leaves(exc):
            if isinstance(leaf, ReplayMismatch | StorageError):
                raise leaf from None
        failed = True  # a recorded failure ended it, as it did the first time
    await run.finish_replay(failed=failed)


class _Mute(Journal):
    """A journal in which nothing is ever written."""

    def note(self, kind: str, step: str | None, data: dict[str, Any]) -> None:
        """Forget the event."""

    async def commit(self, row: RunRow | None = None, *, release: bool = False) -> StepOutcome | None:
        """Wait: what would follow is not tried."""
        await _for_ever()
        return None

    async def note_large(self, kind: str, step: str | None, data: dict[str, Any], key: str) -> None:
        """Forget the event."""


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def _leaves(exc: Exception) -> list[Exception]:
    if isinstance(exc, ExceptionGroup):
        return [leaf for inner in exc.exceptions for leaf in _leaves(inner)]
    return [exc]
