"""Checkpoints: named positions in a run's journal, saved, listed and read from any process."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loopengt.errors import CheckpointError, StorageError
from loopengt.journal import Fold, Journal, read_events
from loopengt.ownership import current_owner
from loopengt_hookspecs.models import CheckpointData, LoopState, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import Storage

__all__ = ["CheckpointManager"]

_LEASE_SECONDS = 10.0


class CheckpointManager:
    """Saves, lists, reads and deletes the checkpoints of runs.

    A checkpoint holds no copy of anything: it is a ``checkpoint.save`` event, and what the run was at that place is
    folded from the journal up to it. Patterns save checkpoints with ``Run.checkpoint``, steps with
    ``checkpoint: true``, and other programs with ``save``.

    Args:
        storage: Where the runs are kept; it must be open.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def save(self, state: LoopState) -> str:
        """Save a checkpoint at the end of a run's journal, and return its id. Nobody may drive the run.

        Args:
            state: The state of the run there, as in ``RunResult.snapshot()``.

        Raises:
            CheckpointError: The journal holds another state by now, so that no place in it stands for this one.
            RunNotFound: There is no such run.
            RunOwned: A living process drives it.
        """

        def data(fold: Fold) -> dict[str, Any]:
            if not _is_state_of(fold, state):
                raise CheckpointError(
                    f"the journal of run {state.run_id} does not end with the state that is to be saved",
                    remedy="Save a run's state as it is at its end or pause, unchanged.",
                )
            # A position is used once: the id is like no other of the run.
            return {"checkpoint_id": f"@{fold.seq + 1}", "name": ""}

        return await self._write(state.run_id, "checkpoint.save", data)

    async def load(self, run_id: str, checkpoint_id: str | None = None) -> CheckpointData:
        """Return a checkpoint of a run.

        Args:
            run_id: The run.
            checkpoint_id: Id of the checkpoint; None: the latest.

        Raises:
            CheckpointError: There is none of that id, or none at all.
            RunNotFound: There is no such run.
        """
        found = await self._find(run_id)
        if checkpoint_id is None:
            checkpoint_id = next(reversed(found), None)
        if checkpoint_id is None or checkpoint_id not in found:
            raise _missing(run_id, checkpoint_id, found)
        event = found[checkpoint_id]
        fold = Fold()
        async for events in read_events(self._storage, run_id):
            fold.apply_all([entry for entry in events if entry.seq <= event.seq])
            if events[-1].seq >= event.seq:
                break
        return fold.snapshot().to_checkpoint(checkpoint_id, at=datetime.fromtimestamp(event.at, UTC))

    async def list_checkpoints(self, run_id: str) -> list[str]:
        """Return the ids of a run's checkpoints, oldest first.

        Raises:
            RunNotFound: There is no such run.
        """
        return list(await self._find(run_id))

    async def delete(self, run_id: str, checkpoint_id: str) -> None:
        """Delete a checkpoint. The journal keeps what it has; nothing can be forked at it any more.

        Raises:
            CheckpointError: There is none of that id.
            RunNotFound: There is no such run.
            RunOwned: A living process drives it.
        """

        def data(fold: Fold) -> dict[str, Any]:
            if checkpoint_id not in fold.checkpoints:
                raise _missing(run_id, checkpoint_id, fold.checkpoints)
            return {"checkpoint_id": checkpoint_id}

        await self._write(run_id, "checkpoint.delete", data)

    def restore_state(self, checkpoint: CheckpointData, base: LoopState) -> LoopState:
        """Return a copy of a state that is as it was at a checkpoint.

        Position, steps, agents, context and history are the checkpoint's; the run is running, as it was there. The rest
        is that of ``base``. Neither is changed, and the copy shares nothing with them.

        Args:
            checkpoint: What ``load`` returned.
            base: A state of the same run.

        Raises:
            CheckpointError: They are of different runs.
        """
        if checkpoint.run_id != base.run_id:
            raise CheckpointError(
                f"checkpoint {checkpoint.checkpoint_id!r} is one of run {checkpoint.run_id}, not of {base.run_id}",
                remedy="Give a state of that run.",
            )
        kept = checkpoint.model_copy(deep=True)
        turns = [int(entry["turn"]) for entry in kept.history]
        changes = {
            "status": RunStatus.RUNNING,
            "reason": None,
            "error": None,
            "completed_at": None,
            "current_step_index": kept.current_step_index,
            "turn": max(turns, default=0),
            "step_states": {state.step_name: state for state in kept.step_states},
            "agent_states": {state.agent_name: state for state in kept.agent_states},
            "context": kept.context,
            "history": kept.history,
        }
        return base.model_copy(update=changes, deep=True)

    # -- inside -----------------------------------------------------------------------------------------------

    async def _find(self, run_id: str) -> dict[str, Event]:
        """Return the events that saved the checkpoints there are, oldest first."""
        found: dict[str, Event] = {}
        async for events in read_events(self._storage, run_id, blobs=False, together=16):
            for event in events:
                if event.type == "checkpoint.save":
                    found[event.data["checkpoint_id"]] = event
                elif event.type == "checkpoint.delete":
                    found.pop(event.data["checkpoint_id"], None)
        return found

    async def _write(self, run_id: str, kind: str, data: Callable[[Fold], dict[str, Any]]) -> str:
        """Claim a run, append one event, let it go again, and return the checkpoint's id."""
        lease = await self._storage.claim(run_id, current_owner(), _LEASE_SECONDS)
        try:
            fold = Fold(history=False)
            async for events in read_events(self._storage, run_id, together=16):
                fold.apply_all(events)
            journal = Journal(self._storage, fold)
            journal.take_up(lease)
            made = data(fold) | {"elapsed": round(fold.elapsed, 3)}
            journal.note(kind, None, made)
            await journal.commit(release=True)
        except BaseException:
            with suppress(StorageError):
                await self._storage.release(lease)
            raise
        return str(made["checkpoint_id"])


def _is_state_of(fold: Fold, state: LoopState) -> bool:
    """Whether a state is the one that was folded; the history may be left out of it, as engines do."""
    folded = fold.snapshot()
    return all(
        getattr(folded, name) == getattr(state, name)
        for name in ("loop_name", "turn", "current_step_index", "step_states", "agent_states", "context")
    )


def _missing(run_id: str, checkpoint_id: str | None, found: Iterable[str]) -> CheckpointError:
    known = ", ".join(found)
    if not known:
        return CheckpointError(
            f"run {run_id} has no checkpoints", remedy="Give its steps `checkpoint: true` to have some."
        )
    return CheckpointError(f"run {run_id} has no checkpoint {checkpoint_id!r}", remedy=f"It has: {known}.")
