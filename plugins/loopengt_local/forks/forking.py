"""Makes a new run that shares the journal of another up to some place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import time
from typing import TYPE_CHECKING, Any

from loopengt import ReplayMismatch
from loopengt.errors import ForkMismatch
from loopengt.journal import read_events
from loopengt.journal.copying import complete_copy, copy_journal
from loopengt.ownership import current_owner
from loopengt_hookspecs.errors import RunNotFound, UsageError
from loopengt_hookspecs.models import LoopSpec, RunStatus
from loopengt_hookspecs.storage import RunRow
from loopengt_local.children.subloops import LoopTree, recorded_tree
from loopengt_local.forks.changing import carried_context, is_changed, json_context, limits_of, load_recorded
from loopengt_local.forks.fitting import check_fits
from loopengt_local.forks.places import find_place, place_at
from loopengt_local.forks.rewriting import Rewriting
from loopengt_local.workspaces.forked_files import discard, fork_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.engines import ForkRequest
    from loopengt_hookspecs.storage import Lease, Storage
    from loopengt_local.compiled import CompiledLoop
    from loopengt_local.forks.places import Place
    from loopengt_local.options import LocalOptions

__all__ = ["Forking", "complete_fork"]

CompileSpec = Callable[[LoopSpec, LoopTree], tuple["CompiledLoop", bytes, str]]
StoreSpec = Callable[[str, bytes], Awaitable[None]]


class Forking:
    """Forks runs of one project.

    Args:
        storage: Where the runs are kept.
        project: The project folder.
        options: The engine's options.
        compile_spec: Binds a spec, and returns its bytes and their digest, too.
        store_spec: Stores a spec under its digest.
        load_tree: Loads the loops below a spec that came from a file.
    """

    def __init__(
        self,
        storage: Storage,
        project: Path,
        options: LocalOptions,
        compile_spec: CompileSpec,
        store_spec: StoreSpec,
        load_tree: Callable[[LoopSpec, Path | None], LoopTree],
    ) -> None:
        self._storage = storage
        self._project = project
        self._options = options
        self._compile = compile_spec
        self._store_spec = store_spec
        self._load_tree = load_tree

    async def fork(self, row: RunRow, request: ForkRequest, fork_id: str) -> Lease:
        """Make the fork of a run, ready to be taken up, and return its lease.

        Until everything is known to fit, nothing is made. The journal's first part comes into being at once; should
        the rest not be written, ``complete_fork`` does it when the fork is resumed.

        Raises:
            UsageError: There is no such place, or the run does a step of another run.
            ForkMismatch: What the run has done up to there does not fit the loop, or the context, that is given.
        """
        if row.parent is not None:
            raise UsageError(
                f"run {row.run_id} does a step of run {row.parent}, and cannot be forked by itself",
                remedy=f"Fork that one: loopengt fork {row.parent} --at STEP",
            )
        storage = self._storage
        place = await find_place(storage, row.run_id, request.at)
        recorded = await load_recorded(storage, place.header)
        changed = request.spec if request.spec is not None and is_changed(recorded, request.spec) else None
        if changed is None:
            tree = await recorded_tree(storage, place.header)
            compiled, raw, digest = self._compile(recorded, tree)
        else:
            tree = self._load_tree(changed, request.source)
            compiled, raw, digest = self._compile(changed, tree)
        header = await self._header(row, request, fork_id, place, recorded, changed)
        if changed is not None:
            header |= {"spec": digest, "file": "", "loops": {}, **tree.record()}
        source = place.header["workspace"]
        change = Rewriting(header, source["path"], place.orphans)
        try:
            await check_fits(storage, row.run_id, place.seq, change, compiled, self._project)
        except ReplayMismatch as exc:
            raise _misfit(exc, row.run_id, request) from exc
        workspace, files = await fork_workspace(
            self._project, row.run_id, fork_id, place, self._options.copy_limit_mb
        )
        try:
            if changed is not None:
                await self._store_spec(digest, raw)
                for digest, raw in tree.blobs().items():
                    await self._store_spec(digest, raw)
            header["workspace"] = workspace.record()
            if files:
                header["forked_from"]["files"] = files
            change = Rewriting(header, source["path"], place.orphans)
            line = RunRow(fork_id, header["loop"], RunStatus.RUNNING.value, started_at=time())
            ttl = self._options.lease_seconds
            return await copy_journal(
                storage, row.run_id, place.seq, line, current_owner(), ttl, change=change
            )
        except BaseException:
            await asyncio.to_thread(discard, self._project, workspace)
            raise

    async def _header(
        self,
        row: RunRow,
        request: ForkRequest,
        fork_id: str,
        place: Place,
        recorded: LoopSpec,
        changed: LoopSpec | None,
    ) -> dict[str, Any]:
        """Make the data of the fork's first event, but for its workspace."""
        given = json_context(request.context, "the fork")
        header = await _first(self._storage, row.run_id)
        context = header["context"]
        if changed is not None:
            context = carried_context(recorded, changed, place.header["context"])
            header |= {
                "loop": changed.name,
                "pattern": changed.pattern,
                "goal": changed.goal,
                "steps": [step.name for step in changed.steps],
                "limits": limits_of(changed),
            }
            header.pop("source", None)
            if request.source is not None:
                header["source"] = str(request.source)
        forked_from: dict[str, Any] = {
            "run_id": row.run_id,
            "seq": place.seq,
            "at": request.at,
            "time": time(),
            "changed": changed is not None,
            "set": given,
        }
        if place.checkpoint is not None:
            keys = ("checkpoint_id", "name")
            forked_from["checkpoint"] = {
                key: place.checkpoint[key] for key in keys if key in place.checkpoint
            }
        return header | {"run_id": fork_id, "context": {**context, **given}, "forked_from": forked_from}


async def complete_fork(storage: Storage, run_id: str, lease: Lease) -> None:
    """Write what is missing of a fork's journal, if its making was cut short.

    Raises:
        UsageError: The run that it was forked from is gone.
    """
    header = await _first(storage, run_id)
    forked = header.get("forked_from")
    if forked is None:
        return
    async for _batch in storage.read(run_id, forked["seq"] - 1):
        return
    source = forked["run_id"]
    try:
        place = await place_at(storage, source, forked["seq"])
        change = Rewriting(header, place.header["workspace"]["path"], place.orphans)
        await complete_copy(storage, source, forked["seq"], lease, change=change)
    except RunNotFound as exc:
        raise UsageError(
            f"run {run_id} was not made to its end, and the run {source} that it was forked from is gone",
            remedy=f"Delete it: loopengt runs delete {run_id}",
        ) from exc


async def _first(storage: Storage, run_id: str) -> dict[str, Any]:
    async for events in read_events(storage, run_id):
        return dict(events[0].data)
    raise RunNotFound(f"run {run_id!r} has an empty journal", remedy="Run `loopengt doctor`.")


def _misfit(exc: ReplayMismatch, run_id: str, request: ForkRequest) -> ForkMismatch:
    what = [*(["loop"] if request.spec is not None else []), *(["context"] if request.context else [])]
    given = f"the given {' and '.join(what)}" if what else "its pattern, as it is now"
    return ForkMismatch(
        f"what run {run_id} has done before {request.at!r} does not fit {given}: {exc.message}",
        remedy="Fork at an earlier place, before the first step that the change touches.",
    )
