"""The local engine: starts, resumes and interrupts runs in this process."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from loopengt.journal import Fold, Journal, Replay, read_events
from loopengt.ownership import current_owner
from loopengt_hookspecs.engines import ResumeRequest, RunRequest, RunResult
from loopengt_hookspecs.errors import RunNotFound, StorageError, UsageError
from loopengt_hookspecs.models import LoopSpec, RunStatus, WorkspaceKind
from loopengt_local.calling.releasing import FoldersInUse
from loopengt_local.checking import check_loop
from loopengt_local.children.child_runs import ChildRuns, Host
from loopengt_local.children.subloops import LoopTree, given_tree, plan_steps, recorded_tree, stored_form
from loopengt_local.compiled import CompiledLoop, compile_loop
from loopengt_local.drive import Drive
from loopengt_local.forks.changing import current_header, json_context, limits_of, spec_to_go_by
from loopengt_local.forks.forking import Forking, complete_fork
from loopengt_local.intake import Intake
from loopengt_local.leases import LeaseKeeper
from loopengt_local.limits import check_added
from loopengt_local.naming import new_run_id, usable_run_id
from loopengt_local.observers import ObserverHub
from loopengt_local.options import LocalOptions
from loopengt_local.results import goes_on, result_of
from loopengt_local.rows import row_of
from loopengt_local.spec_store import SpecStore
from loopengt_local.workspaces.archiving import Archiving, refuse_unfinished
from loopengt_local.workspaces.finishing import Finishing
from loopengt_local.workspaces.given import make_given
from loopengt_local.workspaces.workspace import Workspace, make_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt_hookspecs.engines import ForkRequest, PlannedStep
    from loopengt_hookspecs.registration import PluginContext
    from loopengt_hookspecs.storage import Lease, RunRow
    from loopengt_hookspecs.tracing import Observer

__all__ = ["LocalEngine"]

_UNFINISHED = frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED})

_REMEMBERED_LOOPS = 64
"""Loops that an engine keeps bound, so that many runs of one loop bind it once."""


class LocalEngine(Archiving, Finishing):
    """Implements ``loopengt_hookspecs.engines.Engine``.

    Args:
        context: The plugin's context; the storage is ``components.storage`` and must be open.
    """

    def __init__(self, context: PluginContext) -> None:
        self._components = context.components
        self._project = context.project
        self._options: LocalOptions = context.options or LocalOptions()
        self._drives: dict[str, Drive] = {}
        self._folders = FoldersInUse()
        self._early: dict[str, bool] = {}
        """Runs that are prepared and not driven yet: whether they were interrupted."""
        self._intake = Intake.of_project(context.components)
        self._keeper: LeaseKeeper | None = None
        self._specs = SpecStore(context.components)
        self._compiled: dict[int, tuple[LoopSpec, CompiledLoop, bytes, str]] = {}
        self._host = Host(
            self._options,
            context.components.opened_storage,
            self._leases,
            self._drive,
            self._specs.store,
            self._compile,
        )

    @classmethod
    def from_context(cls, context: PluginContext) -> LocalEngine:
        """Make the engine of a kernel."""
        return cls(context)

    # -- the contract -----------------------------------------------------------------------------------------

    def plan(self, request: RunRequest) -> list[PlannedStep]:
        """Say what a run would execute, without executing anything."""
        return plan_steps(self._compile(request.spec, self._tree(request.spec, request.source))[0])

    def check(self, spec: LoopSpec) -> None:
        """Refuse a loop that this engine cannot run as it is declared."""
        check_loop(spec, self._components, self._project)

    async def start(self, request: RunRequest) -> RunResult:
        """Start a run and drive it until it ends or pauses."""
        run_id = usable_run_id(request.run_id) if request.run_id else new_run_id()
        with self._heeding_interrupts(run_id):
            return await self._start(request, run_id)

    async def _start(self, request: RunRequest, run_id: str) -> RunResult:
        tree = self._tree(request.spec, request.source)
        compiled, raw_spec, digest = self._compile(request.spec, tree)
        storage = self._components.opened_storage()
        context = json_context({**request.spec.context, **request.context}, f"loop {request.spec.name!r}")
        workspace = await self._make_workspace(run_id, request)
        fold = Fold(history=False)
        hub = ObserverHub(run_id, self._observers(request.observers), leaving=self._intake.leaving)
        journal = Journal(storage, fold, publish=hub.publish if hub.active else None)
        hub.start()
        try:
            await self._specs.store(digest, raw_spec)
            await self._specs.store_tree(tree)
            header = self._header(request, run_id, digest, workspace, context)
            journal.note("loop.start", None, header | tree.record())
            row = row_of(fold, RunStatus.RUNNING, run_id=run_id, loop_name=request.spec.name)
            row.started_at = time()
            await journal.create(row, current_owner(), self._options.lease_seconds)
            children = ChildRuns(self._host, hub)
            drive = Drive(
                compiled,
                journal,
                workspace.path,
                self._leases(),
                children=children,
                middleware=request.middleware,
            )
            return await self._drive(run_id, drive)
        except BaseException:
            await self._let_go(journal.lease)
            raise
        finally:
            await hub.close()

    async def resume(self, request: ResumeRequest) -> RunResult:
        """Take a run up again; one that has ended is returned as it ended."""
        with self._heeding_interrupts(request.run_id):
            return await self._resume(request)

    async def _resume(self, request: ResumeRequest) -> RunResult:
        check_added(request.add_budget)
        storage = self._components.opened_storage()
        row = await self._row(request.run_id)
        refuse_unfinished(row)
        if row.status not in _UNFINISHED:
            fold = await self._folded(row.run_id)
            if fold.end is not None and not goes_on(fold, fold.end, request):
                return _as_it_ended(fold)
        if row.parent is not None:
            raise UsageError(
                f"run {row.run_id} does a step of run {row.parent}, and goes on only with it",
                remedy=f"Resume that one: loopengt resume {row.parent}",
            )
        lease = await storage.claim(row.run_id, current_owner(), self._options.lease_seconds)
        try:
            now = await self._row(row.run_id)
        except BaseException:
            await self._let_go(lease)
            raise
        if now.status != row.status:  # its owner was quicker than our claim
            await self._let_go(lease)
            return await self._resume(request)
        return await self._take_up(row.run_id, lease, request)

    async def fork(self, request: ForkRequest) -> RunResult:
        """Make a new run that shares another's journal up to some place, and drive it."""
        fork_id = usable_run_id(request.fork_id) if request.fork_id else new_run_id()
        with self._heeding_interrupts(fork_id):
            storage = self._components.opened_storage()
            forking = Forking(
                storage, self._project, self._options, self._compile, self._specs.store, self._tree
            )
            lease = await forking.fork(await self._row(request.run_id), request, fork_id)
            return await self._take_up(fork_id, lease, ResumeRequest(fork_id, request.observers))

    async def _take_up(self, run_id: str, lease: Lease, request: ResumeRequest) -> RunResult:
        """Drive a run that is in the storage already, under a lease that was claimed."""
        storage = self._components.opened_storage()
        hub: ObserverHub | None = None
        try:
            await complete_fork(storage, run_id, lease)
            header = await current_header(storage, run_id)
            spec, accepted = await spec_to_go_by(storage, run_id, header, request)
            tree = await recorded_tree(storage, header)
            if accepted:
                source = header.get("source")
                tree = self._tree(spec, None if source is None else Path(source))
            compiled, raw_spec, digest = self._compile(spec, tree)
            if accepted:
                await self._specs.store(digest, raw_spec)
                await self._specs.store_tree(tree)
                accepted |= {"spec": digest, **tree.record()}
            workspace = Workspace.recorded(header["workspace"], self._project)
            _reap_orphans(run_id)
            past = await self._past(run_id, request)
            hub = ObserverHub(run_id, self._observers(request.observers), past, leaving=self._intake.leaving)
            fold = Fold(history=False)
            journal = Journal(storage, fold, publish=hub.publish if hub.active else None)
            hub.start()
            drive = Drive(
                compiled,
                journal,
                workspace.path,
                self._leases(),
                replay=Replay(lambda after: read_events(storage, run_id, after=after, together=16), fold),
                lease=lease,
                unknown_outcome=request.unknown_outcome,
                accepted=accepted,
                added=request.add_budget,
                middleware=request.middleware,
                children=ChildRuns(self._host, hub),
            )
            return await self._drive(run_id, drive)
        except BaseException:
            await self._let_go(lease)
            raise
        finally:
            if hub is not None:
                await hub.close()

    def interrupt(self, run_id: str | None = None) -> None:
        """Pause a run of this engine, or all of them, at once."""
        for name, drive in self._drives.items():
            if run_id in (None, name):
                drive.interrupt()
        for name in self._early:
            self._early[name] |= run_id in (None, name)

    # -- inside -----------------------------------------------------------------------------------------------

    @contextmanager
    def _heeding_interrupts(self, run_id: str) -> Iterator[None]:
        """Remember an interrupt that comes while a run is prepared, before it has a drive."""
        self._early[run_id] = False
        try:
            yield
        finally:
            self._early.pop(run_id, None)

    async def _drive(self, run_id: str, drive: Drive, interrupted: bool = False) -> RunResult:
        self._drives[run_id] = drive
        try:
            async with self._folders.use(drive.workspace, drive.compiled.toolbox):
                return await drive.run(interrupted=self._early.pop(run_id, interrupted))
        finally:
            del self._drives[run_id]

    async def _let_go(self, lease: Lease | None) -> None:
        """Give a lease back after an error, so that nobody has to wait until it runs out."""
        if lease is not None:
            with suppress(StorageError):
                await self._components.opened_storage().release(lease)

    async def _make_workspace(self, run_id: str, request: RunRequest) -> Workspace:
        kind, limit = request.spec.workspace, self._options.copy_limit_mb
        if request.workspace is not None or request.files:
            return await asyncio.to_thread(make_given, self._project, run_id, request, limit)
        if request.in_place or kind is WorkspaceKind.IN_PLACE:
            return Workspace(self._project, "in_place")
        return await asyncio.to_thread(make_workspace, self._project, run_id, kind=kind, limit_mb=limit)

    def _tree(self, spec: LoopSpec, source: Path | None) -> LoopTree:
        return given_tree(self._components, self._project, spec, source)

    def _compile(self, spec: LoopSpec, tree: LoopTree) -> tuple[CompiledLoop, bytes, str]:
        known = self._compiled.get(id(spec))
        if known is None or known[0] is not spec or known[1].tree != tree:
            if len(self._compiled) >= _REMEMBERED_LOOPS:
                self._compiled.clear()
            names = tuple(self._components.setting("engine", "middleware"))
            raw, digest = stored_form(spec)
            compiled = compile_loop(spec, self._components, self._project, self._intake, names, tree)
            known = self._compiled[id(spec)] = (spec, compiled, raw, digest)
        return known[1:]

    def _header(
        self, request: RunRequest, run_id: str, digest: str, workspace: Workspace, context: dict[str, Any]
    ) -> dict[str, Any]:
        header: dict[str, Any] = {
            "run_id": run_id,
            "loop": request.spec.name,
            "pattern": request.spec.pattern,
            "goal": request.spec.goal,
            "spec": digest,
            "steps": [step.name for step in request.spec.steps],
            "context": context,
            "workspace": workspace.record(),
            "limits": limits_of(request.spec),
        }
        if request.source is not None:
            header["source"] = str(request.source)
        return header

    def _observers(self, given: Sequence[Observer]) -> list[Observer]:
        names = self._components.setting("observers", "names")
        return [*(self._components.get("observers", name) for name in names), *given]

    def _leases(self) -> LeaseKeeper:
        if self._keeper is None:
            options = self._options
            self._keeper = LeaseKeeper(
                self._components.opened_storage(), options.lease_seconds, options.poll_seconds
            )
        return self._keeper

    async def _row(self, run_id: str) -> RunRow:
        rows = [
            row for row in await self._components.opened_storage().rows(prefix=run_id) if row.run_id == run_id
        ]
        if not rows:
            raise RunNotFound(f"there is no run {run_id!r}", remedy="See `loopengt runs`.")
        return rows[0]

    async def _past(self, run_id: str, request: ResumeRequest) -> list[Any]:
        if not request.observers and not self._components.setting("observers", "names"):
            return []
        return [
            event
            async for events in read_events(self._components.opened_storage(), run_id)
            for event in events
        ]

    async def _folded(self, run_id: str) -> Fold:
        fold = Fold()
        async for events in read_events(self._components.opened_storage(), run_id):
            fold.apply_all(events)
        return fold


def _as_it_ended(fold: Fold) -> RunResult:
    assert fold.end is not None
    return result_of(fold, fold.run_id, fold.end, Path(fold.header["workspace"]["path"]))


def _reap_orphans(run_id: str) -> None:
    """End what agents of a crashed owner left behind, so that nothing edits the workspace beside us."""
    from loopengt.processes import reap_orphans

    reap_orphans(run_id)
