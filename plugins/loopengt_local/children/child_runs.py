"""Drives child runs, which do steps of another run: begins them, takes them up, and ends them with their parent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Final

from loopengt.finding import exact_run
from loopengt.journal import Fold, Journal, Replay, read_events
from loopengt.ownership import current_owner
from loopengt_hookspecs.errors import RunOwned, StorageError
from loopengt_hookspecs.models import End, EndReason, RunStatus
from loopengt_local.children.child_attempts import is_open_failure
from loopengt_local.children.subloops import recorded_tree
from loopengt_local.control import EndRun
from loopengt_local.drive import Drive
from loopengt_local.forks.changing import current_header, limits_of, load_recorded
from loopengt_local.results import result_of
from loopengt_local.rows import row_of

if TYPE_CHECKING:
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import LoopSpec
    from loopengt_hookspecs.storage import Lease, RunRow, Storage
    from loopengt_local.children.child_attempts import ChildRun
    from loopengt_local.children.subloops import LoopTree
    from loopengt_local.compiled import CompiledLoop
    from loopengt_local.leases import LeaseKeeper
    from loopengt_local.observers import ObserverHub
    from loopengt_local.options import LocalOptions

__all__ = ["ChildRuns", "Host"]

_FINAL: Final = frozenset(
    {EndReason.GOAL_MET, EndReason.NOTHING_TO_DO, EndReason.BLOCKED, EndReason.NO_PROGRESS, EndReason.FAILED}
)
"""Ends with which a child run's work is over. Another one may be taken up: the parent decides whether it is."""

_HANDED_DOWN: Final = frozenset({EndReason.INTERRUPTED, EndReason.STOPPED})
"""Reasons for which a run is broken off that are its child runs' own."""

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Host:
    """What child runs need of the engine."""

    options: LocalOptions
    storage: Callable[[], Storage]
    leases: Callable[[], LeaseKeeper]
    drive: Callable[[str, Drive, bool], Awaitable[RunResult]]
    store_spec: Callable[[str, bytes], Awaitable[None]]
    compile_loop: Callable[[LoopSpec, LoopTree], tuple[CompiledLoop, bytes, str]]


class ChildRuns:
    """The child runs of one run that is driven.

    Args:
        host: The engine.
        hub: The observers of the run, who see its child runs, too.
    """

    def __init__(self, host: Host, hub: ObserverHub) -> None:
        self._host = host
        self._hub = hub
        self._live: set[ChildRun] = set()
        self.open: dict[str, Fold] = {}
        """Child runs, by id, of which the run's journal does not say yet what they have used."""

    def stop(self, end: End) -> None:
        """End all of them before their next turns."""
        for child in tuple(self._live):
            child.stop(end)

    def under_way(self) -> dict[str, Any]:
        """Return what the open ones have used: tokens, cost_usd, unknown_costs."""
        totals = [fold.totals(under_way=True) for fold in self.open.values()]
        return {
            unit: sum(known[unit] for known in totals) for unit in ("tokens", "cost_usd", "unknown_costs")
        }

    async def run(self, child: ChildRun) -> RunResult:
        """Begin a child run, or take it up again, and drive it until it ends or pauses.

        When the caller is cancelled, the child run is ended, too, before this returns; it is paused when the caller's
        run is being paused.

        Raises:
            StorageError: Its journal cannot be read or written.
            EndRun: Another process drives it.
        """
        # A task of its own: what cancels one of the runs must not be taken for a cancellation of the other.
        task = asyncio.create_task(self._begin(child), name=f"loopengt run {child.run_id}")
        self._live.add(child)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            end = child.parent.stop_requested
            if end is None or end.reason not in _HANDED_DOWN:
                why = f"cancelled with step {child.step!r} of run {child.parent.run_id}"
                end = End(EndReason.CANCELLED, why)
            child.break_off(end)
            await _until_done(task)
            raise
        finally:
            self._live.discard(child)
            if child.fold is not None:
                self.open[child.run_id] = child.fold
        return task.result()

    # -- inside -----------------------------------------------------------------------------------------------

    async def _begin(self, child: ChildRun) -> RunResult:
        storage = self._host.storage()
        row = await exact_run(storage, child.run_id)
        lease: Lease | None = None
        try:
            if row is None:
                child.drive, lease = await self._start(storage, child)
            else:
                lease = await self._claim(storage, child)
                ended = await self._as_it_ended(storage, child)
                if ended is not None:
                    await storage.release(lease)
                    return ended
                child.drive = await self._take_up(storage, child, row, lease)
            stop = child.parent.stop_requested
            if stop is not None and stop.reason is EndReason.STOPPED:
                child.drive.stop(stop)
            child.drive.run_object.budgets.join(child.parent.budgets, child.step)
            return await self._host.drive(child.run_id, child.drive, child.broken_off)
        except BaseException:
            if lease is not None:
                with suppress(StorageError):
                    await storage.release(lease)
            raise

    async def _start(self, storage: Storage, child: ChildRun) -> tuple[Drive, Lease]:
        loop, parent = child.loop, child.parent
        await self._host.store_spec(loop.digest, loop.raw)
        journal = self._journal(storage, child)
        header = self._header(child)
        journal.note("loop.start", None, header)
        row = row_of(journal.fold, RunStatus.RUNNING, run_id=child.run_id, loop_name=loop.compiled.spec.name)
        row.parent, row.started_at = parent.run_id, time()
        await journal.create(row, current_owner(), self._host.options.lease_seconds)
        assert journal.lease is not None, "a run that was created is leased"
        return self._drive(child, loop.compiled, journal), journal.lease

    def _header(self, child: ChildRun) -> dict[str, Any]:
        spec, parent = child.loop.compiled.spec, child.parent
        limits = limits_of(spec)
        limits["max_total_time_seconds"] = min(
            limits["max_total_time_seconds"], round(parent.budgets.time_left(), 3)
        )
        return {
            "run_id": child.run_id,
            "loop": spec.name,
            "pattern": spec.pattern,
            "goal": spec.goal,
            "spec": child.loop.digest,
            "steps": [step.name for step in spec.steps],
            "context": child.context(),
            "workspace": {"path": str(parent.workspace), "kind": "parent"},
            "limits": limits,
            "parent": parent.run_id,
            "parent_step": child.step,
            "parent_event": f"{parent.run_id}:{child.began_at}",
            **child.loop.tree.record(),
        }

    async def _claim(self, storage: Storage, child: ChildRun) -> Lease:
        """Claim a child run; wait as long as another process that has lost the parent may still hold it."""
        until = monotonic() + self._host.options.lease_seconds + 1.0
        while True:
            try:
                return await storage.claim(child.run_id, current_owner(), self._host.options.lease_seconds)
            except RunOwned as exc:
                if child.broken_off or monotonic() > until:
                    detail = f"step {child.step!r} waits for its child run: {exc.message}"
                    raise EndRun(End(EndReason.INTERRUPTED, detail)) from exc
            await asyncio.sleep(_POLL_SECONDS)

    async def _as_it_ended(self, storage: Storage, child: ChildRun) -> RunResult | None:
        """Return the result of a child run that has nothing left to do; None: it goes on."""
        fold = child.fold = Fold()
        async for events in read_events(storage, child.run_id):
            fold.apply_all(events)
        end = fold.end
        if end is None or end.reason not in _FINAL or is_open_failure(fold, end):
            return None
        return result_of(fold, child.run_id, end, child.parent.workspace)

    async def _take_up(self, storage: Storage, child: ChildRun, row: RunRow, lease: Lease) -> Drive:
        header = await current_header(storage, child.run_id)
        compiled = child.loop.compiled
        if header["spec"] != child.loop.digest:  # the parent goes by another one since
            tree = await recorded_tree(storage, header)
            compiled = self._host.compile_loop(await load_recorded(storage, header), tree)[0]
        if row.status == RunStatus.RUNNING.value:
            from loopengt.processes import reap_orphans

            reap_orphans(child.run_id)
        past = []
        if self._hub.active:
            past = [event async for events in read_events(storage, child.run_id) for event in events]
        journal = self._journal(storage, child, past)
        replay = Replay(
            lambda after: read_events(storage, child.run_id, after=after, together=16), journal.fold
        )
        return self._drive(child, compiled, journal, replay=replay, lease=lease)

    def _journal(self, storage: Storage, child: ChildRun, past: list[Any] | None = None) -> Journal:
        fold = child.fold = Fold(history=False)
        return Journal(storage, fold, publish=self._hub.channel(child.run_id, past or ()))

    def _drive(self, child: ChildRun, compiled: CompiledLoop, journal: Journal, **more: Any) -> Drive:
        return Drive(
            compiled,
            journal,
            Path(child.parent.workspace),
            self._host.leases(),
            unknown_outcome=child.parent.unknown_outcome,
            children=ChildRuns(self._host, self._hub),
            middleware=child.parent.middleware,
            **more,
        )


async def _until_done(task: asyncio.Task[Any]) -> None:
    """Wait for a task that is being ended, whoever cancels us meanwhile."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
