"""Writes a run into one file: journals, blobs, spec and the files of its workspace."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import stat
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from loopengt import __version__
from loopengt.archive.families import children_of, family, held
from loopengt.archive.manifest import (
    BLOB,
    FILE,
    FORMAT,
    MANIFEST,
    WORKSPACE,
    Entry,
    Manifest,
    Member,
    StoredRun,
    Trees,
)
from loopengt.archive.paths import as_text, leads_outside
from loopengt.archive.unreferenced import digests_in
from loopengt.errors import LoopengtError, StorageCorrupt, StorageError, UsageError
from loopengt.journal import decode_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["Exported", "Folder", "export_run"]

_CHUNK = 1 << 20
_NO_ARCHIVE = frozenset({b".git", b".loopengt"})


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose files go into an archive."""

    path: Path
    files: Sequence[bytes]
    """The files and links to take, below the folder."""


@dataclass(slots=True)
class Exported:
    """What went into an archive, and what did not."""

    path: Path
    runs: list[str] = field(default_factory=list)
    """Ids of the runs, the one that was asked for first."""
    files: int = 0
    size: int = 0
    """Bytes of the archive."""
    left_out: list[str] = field(default_factory=list)
    """Links that lead out of the workspace, as those to installed dependencies do."""
    lost: list[str] = field(default_factory=list)
    """Digests of blobs that the journal refers to, and that are not in the storage."""


async def export_run(
    storage: Storage,
    root: RunRow,
    target: Path,
    *,
    project: Path,
    now: Folder | None = None,
    start: Folder | None = None,
) -> Exported:
    """Write a run, with all that descend from it, into a new file. Nobody can go on with it meanwhile.

    Args:
        storage: Where the run lies.
        root: The run.
        target: The file; it is there when all is in it, or not at all.
        project: The project folder.
        now: The run's workspace; None: its files stay here.
        start: A folder with the files that the run began with; None: they are not known.

    Raises:
        UsageError: The run does a step of another one, or the file exists.
        RunOwned: Somebody drives the run: its files and its journal would not fit together.
        StorageError: A journal or the spec cannot be read.
        LoopengtError: The file cannot be written, or a file of the workspace cannot be read.
    """
    if root.parent is not None:
        raise UsageError(
            f"run {root.run_id} does a step of run {root.parent} and goes on only with it",
            remedy=f"Export that one: loopengt runs export {root.parent}",
        )
    rows = family(root, children_of(await storage.rows()))
    done = Exported(target)
    with _new_file(target) as file:
        async with held(storage, [row.run_id for row in rows]):
            writer = _Writer(file)
            await _write_runs(writer, storage, rows, project, done)
            if now is not None:
                await asyncio.to_thread(_write_workspace, writer, now, start, done)
            writer.finish()
    done.size = _size(target)
    return done


@contextmanager
def _new_file(target: Path) -> Iterator[zipfile.ZipFile]:
    """Yield a file to be written, which is in its place when the block ends well, and else nowhere."""
    if os.path.lexists(target):
        raise UsageError(f"{target} exists already", remedy="Remove it, or name another file with -o FILE.")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with zipfile.ZipFile(draft, "x", zipfile.ZIP_DEFLATED) as file:
            yield file
        _sync(draft)
        os.replace(draft, target)
    except OSError as exc:
        raise LoopengtError(f"the archive {target} cannot be written: {exc}") from exc
    finally:
        with suppress(OSError):
            draft.unlink()


class _Writer:
    """Puts members into the file and keeps their digests for the manifest."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.manifest = Manifest(FORMAT, f"loopengt {__version__}", "", [], {})

    def add(self, name: str, chunks: Iterable[bytes]) -> Member:
        """Write a member, unless it is there already."""
        known = self.manifest.members.get(name)
        if known is not None:
            return known
        with self.member(name) as member:
            for chunk in chunks:
                member.write(chunk)
        return self.manifest.members[name]

    def member(self, name: str) -> _Member:
        return _Member(self._file, name, self.manifest.members)

    def finish(self) -> None:
        raw = msgspec.json.format(msgspec.json.encode(self.manifest), indent=1)
        with _Member(self._file, MANIFEST, {}) as member:
            member.write(raw)


class _Member:
    """A member that is being written."""

    def __init__(self, file: zipfile.ZipFile, name: str, members: dict[str, Member]) -> None:
        # Nothing of this machine: the same run comes to the same bytes.
        info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = (stat.S_IFREG | 0o600) << 16
        info.create_system = 3
        self._name = name
        self._members = members
        self._stream = file.open(info, "w", force_zip64=True)
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._size += len(chunk)
        self._stream.write(chunk)

    def __enter__(self) -> _Member:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stream.close()
        self._members[self._name] = Member(self._size, self._digest.hexdigest())


async def _write_runs(
    writer: _Writer, storage: Storage, rows: Sequence[RunRow], project: Path, done: Exported
) -> None:
    wanted: set[str] = set()
    certain: set[str] = set()
    for index, row in enumerate(rows):
        name = f"runs/{index}.jsonl"
        events = 0
        header: dict[str, Any] = {}
        with writer.member(name) as member:
            async for batch in storage.read(row.run_id):
                if not events:
                    header = decode_batch(batch.payload)[0].data
                    certain.add(str(header.get("spec")))
                events += len(decode_batch(batch.payload))
                member.write(batch.payload + b"\n")
        wanted |= await digests_in(storage, row.run_id)
        stored = replace(row, owner=None, lease_until=0.0)
        writer.manifest.runs.append(StoredRun(stored, name, events))
        done.runs.append(row.run_id)
        if index == 0:
            writer.manifest.run = row.run_id
            writer.manifest.source = _below(project, header.get("source"))
    for digest in sorted(wanted):
        try:
            data = await storage.get_blob(digest)
        except StorageCorrupt:
            raise
        except StorageError:
            # Not every digest is that of a blob; the spec's is, and without it nobody can go on.
            if digest in certain:
                raise
            continue
        writer.add(BLOB + digest, [data])


def _below(project: Path, source: object) -> str | None:
    path = Path(str(source))
    return path.relative_to(project).as_posix() if source and path.is_relative_to(project) else None


def _write_workspace(writer: _Writer, now: Folder, start: Folder | None, done: Exported) -> None:
    trees = Trees(_write_files(writer, now, done.left_out))
    if start is not None:
        trees.start = _write_files(writer, start, [])
    done.files = sum(entry.kind != "link" for entry in trees.now)
    writer.add(WORKSPACE, [msgspec.json.encode(trees)])


def _write_files(writer: _Writer, folder: Folder, left_out: list[str]) -> list[Entry]:
    entries: list[Entry] = []
    root, paths = os.fsencode(folder.path), folder.files
    links = {
        tuple(path.split(b"/")): os.readlink(os.path.join(root, path))
        for path in paths
        if os.path.islink(os.path.join(root, path))
    }
    for path in sorted(paths):
        parts = tuple(path.split(b"/"))
        if not _NO_ARCHIVE.isdisjoint(part.lower() for part in parts):
            continue
        place = os.path.join(root, path)
        if parts in links:
            if leads_outside(parts, links[parts], links):
                left_out.append(as_text(path))
            else:
                entries.append(Entry(as_text(path), "link", as_text(links[parts])))
        elif os.path.isfile(place):
            kind: Literal["file", "program"] = "program" if os.stat(place).st_mode & stat.S_IXUSR else "file"
            entries.append(Entry(as_text(path), kind, _write_file(writer, place)))
    return entries


def _write_file(writer: _Writer, place: bytes) -> str:
    digest = hashlib.sha256()
    for chunk in _read(place):
        digest.update(chunk)
    told = digest.hexdigest()
    if writer.add(FILE + told, _read(place)).sha256 != told:
        raise LoopengtError(
            f"{os.fsdecode(place)} was changed while it was exported",
            remedy="Let nobody write there, and try again.",
        )
    return told


def _read(place: bytes) -> Iterator[bytes]:
    with open(place, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _size(path: Path) -> int:
    return path.stat().st_size


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
