"""Takes a run in from the file that ``export_run`` has written: all of it, or nothing."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.archive.container import MOST_BYTES, Container
from loopengt.archive.journals import batches_of, check_journal, parts_of
from loopengt.archive.manifest import FILE, StoredRun
from loopengt.archive.paths import as_bytes, check_entries
from loopengt.archive.removing import IMPORTING, is_unfinished_import, remove_family
from loopengt.errors import ArchiveError, LoopengtError, StorageError
from loopengt.finding import exact_run
from loopengt.journal import read_events
from loopengt.ownership import current_owner
from loopengt_hookspecs.models import EndReason, RunStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt.archive.manifest import Entry, Trees
    from loopengt.archive.workspaces import KeepsWorkspaces
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import Lease, RunRow, Storage


__all__ = ["Imported", "import_run"]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)
_STATUSES = frozenset(RunStatus)
_REASONS = frozenset(EndReason)
_TTL = 86_400.0
_LATEST = 32_503_680_000.0
"""The year 3000: later times cannot be shown everywhere."""

_MOST = 1 << 53
_OF_THE_PLACE = ("workspace", "source", "imported")
"""What of a run's header is another at each place."""


@dataclass(slots=True)
class Imported:
    """What was taken in."""

    row: RunRow
    runs: list[str] = field(default_factory=list)
    """Ids of the runs, the archive's own first."""
    events: int = 0
    files: int = 0
    workspace: Path | None = None
    """Where the run goes on; None: the archive has no files, so it can only be looked at."""
    known: bool = False
    """The same run, no further, is here already: nothing was done."""


async def import_run(
    storage: Storage,
    path: Path,
    *,
    project: Path,
    workspaces: KeepsWorkspaces,
    most_bytes: int = MOST_BYTES,
) -> Imported:
    """Take in a run with all that descend from it. Everything is checked before anything is written.

    Args:
        storage: Where the run goes.
        path: The archive.
        project: The project folder.
        workspaces: The engine that will go on with the run.
        most_bytes: Bytes that the archive may unpack to.

    Raises:
        ArchiveError: The archive is damaged, hostile, too large or too new, or another run of that id is here.
        StorageError, LoopengtError: It cannot be stored; what was written is removed again.
    """
    with Container(path, most_bytes) as archive:
        await asyncio.to_thread(_check, archive)
        done = Imported(archive.manifest.runs[0].row, [run.row.run_id for run in archive.manifest.runs])
        done.events = sum(run.events for run in archive.manifest.runs)
        done.files = sum(entry.kind != "link" for entry in archive.trees.now) if archive.trees else 0
        if await _is_known(storage, archive, workspaces):
            done.known = True
            return done
        for digest in archive.blobs():
            if await storage.put_blob(archive.blob(digest)) != digest:
                raise StorageError(f"the storage keeps the blob {digest} under another name")
        record: dict[str, Any] | None = None
        if archive.trees is not None:
            record = await _make_workspace(archive, archive.trees, workspaces)
            done.workspace = Path(record["path"])
        try:
            await _Rows(storage, archive, project, record).write()
        except BaseException:
            if record is not None:
                await asyncio.shield(asyncio.to_thread(workspaces.discard_workspace, done.row.run_id))
            raise
        return done


async def _make_workspace(archive: Container, trees: Trees, workspaces: KeepsWorkspaces) -> dict[str, Any]:
    run_id = archive.manifest.run
    start = None if trees.start is None else _Files(archive, trees.start)
    making = asyncio.ensure_future(
        asyncio.to_thread(workspaces.import_workspace, run_id, start, _Files(archive, trees.now))
    )
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        # A thread cannot be broken off: what it makes in the end must not stay.
        await asyncio.wait([making])
        if making.exception() is None:
            await asyncio.to_thread(workspaces.discard_workspace, run_id)
        raise


def _check(archive: Container) -> None:
    """Check all that can be checked without the storage."""
    manifest = archive.manifest
    runs = manifest.runs
    if not runs or runs[0].row.run_id != manifest.run or runs[0].row.parent is not None:
        raise ArchiveError("the archive does not hold the run that it names")
    names = [run.journal for run in runs]
    if sorted(names) != sorted(name for name in manifest.members if name.startswith("runs/")):
        raise ArchiveError("the archive's journals are not those of its runs")
    archive.check_contents()
    seen: set[str] = set()
    for run in runs:
        _check_run(archive, run, seen)
        seen.add(run.row.run_id)
    for tree in (archive.trees.now, archive.trees.start or []) if archive.trees is not None else ():
        check_entries(tree)
    entries = archive.trees.entries() if archive.trees is not None else []
    files = {entry.content for entry in entries if entry.kind != "link"}
    held = {name.removeprefix(FILE) for name in manifest.members if name.startswith(FILE)}
    if files != held:
        raise ArchiveError("the archive's files are not those of its workspace")


def _check_run(archive: Container, run: StoredRun, seen: set[str]) -> None:
    row = run.row
    if not _RUN_ID.fullmatch(row.run_id) or ".." in row.run_id or row.run_id.endswith((".", ".lock")):
        raise ArchiveError(f"the archive's run {row.run_id!r} cannot be called that")
    if row.run_id in seen or (seen and row.parent not in seen):
        raise ArchiveError(f"the archive's run {row.run_id} is there twice, or without its parent")
    if not _is_plausible(row):
        raise ArchiveError(f"the archive's run {row.run_id} is in no state that a run can be exported in")
    with archive.opened(run.journal) as file:
        fold = check_journal(file)
    if (fold.run_id, fold.loop_name, fold.seq) != (row.run_id, row.loop_name, run.events):
        raise ArchiveError(f"the journal of the archive's run {row.run_id} is that of another one")
    if fold.header.get("spec") not in archive.blobs():
        raise ArchiveError(f"the archive lacks the spec of run {row.run_id}")


def _is_plausible(row: RunRow) -> bool:
    times = (row.started_at, row.completed_at or 0.0)
    counts = (row.turn, row.tokens, row.cost_usd)
    return (
        row.status in _STATUSES
        and (row.reason is None or row.reason in _REASONS)
        and row.owner is None
        and all(0 <= at < _LATEST for at in times)
        and all(0 <= count < _MOST for count in counts)
    )


async def _is_known(storage: Storage, archive: Container, workspaces: KeepsWorkspaces) -> bool:
    """Say whether the run is here already, as far as in the archive; remove what an import cut short has left.

    Raises:
        ArchiveError: A run of one of the ids is here, and is another one or has come to another place.
    """
    root = await exact_run(storage, archive.manifest.run)
    if root is not None and is_unfinished_import(root):
        await remove_family(storage, root, first=partial(workspaces.discard_workspace, root.run_id))
        root = None
    if root is not None and await _is_same(storage, archive, archive.manifest.runs[0]):
        return True
    for run in archive.manifest.runs:
        if await exact_run(storage, run.row.run_id) is not None:
            raise ArchiveError(
                f"a run {run.row.run_id} is here already, and it is not the same as the archive's",
                remedy="If that one is no longer needed, delete it first: "
                f"loopengt runs delete {archive.manifest.run}",
            )
    return False


async def _is_same(storage: Storage, archive: Container, run: StoredRun) -> bool:
    with archive.opened(run.journal) as file:
        theirs = (event for _, events in batches_of(file) for event in events)
        async for events in read_events(storage, run.row.run_id, blobs=False):
            for event in events:
                if _placeless(event) != _placeless(next(theirs, None)):
                    return False
        return next(theirs, None) is None


def _placeless(event: Event | None) -> Event | None:
    if event is None or event.seq != 1:
        return event
    return event._replace(data={key: value for key, value in event.data.items() if key not in _OF_THE_PLACE})


class _Files:
    """Writes files of an archive's workspace into an empty folder."""

    def __init__(self, archive: Container, entries: Sequence[Entry]) -> None:
        self._archive = archive
        self._entries = entries

    def __call__(self, folder: Path) -> None:
        """Write them.

        Raises:
            OSError, ArchiveError: One cannot be written, or read.
        """
        root = os.fsencode(folder)
        for entry in self._entries:
            place = os.path.join(root, as_bytes(entry.path))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if entry.kind != "link":
                self._write(place, entry.content, 0o777 if entry.kind == "program" else 0o666)
        for entry in self._entries:  # Last, so that no file is ever written through one.
            if entry.kind == "link":
                os.symlink(as_bytes(entry.content), os.path.join(root, as_bytes(entry.path)))

    def _write(self, place: bytes, content: str, mode: int) -> None:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with open(handle, "wb") as file:
            for chunk in self._archive.chunks(FILE + content):
                file.write(chunk)


class _Rows:
    """Writes the journals. A run that is not whole yet is listed as pending, and ``runs prune`` removes it."""

    def __init__(
        self, storage: Storage, archive: Container, project: Path, record: dict[str, Any] | None
    ) -> None:
        self._storage = storage
        self._archive = archive
        self._project = project
        self._record = record
        self._leases: list[Lease] = []

    async def write(self) -> None:
        """Write them all; after an error none is there."""
        root, *children = self._archive.manifest.runs
        try:
            await self._write(root, children)
        except BaseException:
            await asyncio.shield(self._undo())
            raise

    async def _write(self, run: StoredRun, children: list[StoredRun]) -> None:
        """Write a run; its children before its last part, so that it is whole when all are."""
        final, lease, seq = replace(run.row, owner=None, lease_until=0.0), None, 0
        passing = replace(final, status="pending", reason=IMPORTING, completed_at=None)
        with self._archive.opened(run.journal) as file:
            parts = parts_of(file, self._header, hold_back=bool(children))
            part = next(parts)
            while (following := next(parts, None)) is not None:
                lease, seq = await self._put(lease, seq, part, passing), seq + part[1]
                part = following
            for child in children:
                await self._write(child, [])
            lease = await self._put(lease, seq, part, final)
        await self._storage.release(lease)

    async def _put(self, lease: Lease | None, seq: int, part: tuple[bytes, int], row: RunRow) -> Lease:
        payload, count = part
        if lease is None:
            lease = await self._storage.create(row, current_owner(), _TTL, payload, count)
            self._leases.append(lease)
        else:
            await self._storage.append(lease, seq, count, payload, row)
        return lease

    async def _undo(self) -> None:
        for lease in reversed(self._leases):
            with suppress(LoopengtError):
                await self._storage.release(lease)
                await self._storage.delete(await self._storage.claim(lease.run_id, current_owner(), _TTL))

    def _header(self, header: dict[str, Any]) -> dict[str, Any]:
        """Return a run's header as it is right at this place."""
        changed = {key: value for key, value in header.items() if key not in _OF_THE_PLACE}
        root = header.get("run_id") == self._archive.manifest.run
        changed["workspace"] = self._workspace(header.get("workspace"), root)
        source = self._archive.manifest.source
        if root and source is not None and ".." not in Path(source).parts and not Path(source).is_absolute():
            changed["source"] = str(self._project / source)
        changed["imported"] = {"made_by": self._archive.manifest.made_by}
        return changed

    def _workspace(self, told: Any, root: bool) -> dict[str, Any]:
        record = self._record or {
            "path": str(self._project / ".loopengt" / "workspaces" / "none"),
            "kind": "copy",
        }
        if root or not isinstance(told, dict):
            return record
        # A child works where its parent does; its kind says that it is not its own.
        kept = {key: value for key, value in told.items() if key != "branch"}
        return kept | {"path": record["path"]}
