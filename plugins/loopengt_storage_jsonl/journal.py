"""One run's file: open and locked for a step of writing, or read batch by batch without a lock."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from loopengt_hookspecs.storage import Batch, RunNotFound, RunRow, StorageCorrupt
from loopengt_storage_jsonl.files import append_whole, locked, sync_folder
from loopengt_storage_jsonl.lines import DamagedLine, encode, events_of
from loopengt_storage_jsonl.state import OPENING, RunState, damaged, load, remove_summary, write_summary

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Chunk", "JournalFile", "events", "no_run", "read_chunk"]

CHUNK = 1 << 20
"""Bytes to read in one go."""

_OWNER_FIELDS = ("owner", "lease_until")


class JournalFile:
    """A run's file, open and locked, with the state that its lines add up to.

    Args:
        path: The file.
        sync: Whether what is written is on the disk when ``write`` returns.
        create: Create the file when it is missing.
        known: The state up to some line, when the caller still has it.
    """

    def __init__(
        self, path: Path, *, sync: bool, create: bool = False, known: RunState | None = None
    ) -> None:
        self.path = path
        self.damage: StorageCorrupt | None = None
        """Why nothing may be written."""
        self._sync = sync
        self._create = create
        self.state = known or RunState()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._file = stack.enter_context(locked(self.path, create=self._create))
            self._catch_up()
            if self._create and self._sync:
                sync_folder(self.path.parent)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def write(self, fields: dict[str, Any], payload: bytes | None = None) -> None:
        """Append one line and take it into the state; after an error neither has changed."""
        line = encode(fields, payload)
        append_whole(self._file, self.state.offset, line, sync=self._sync)
        self.state.note(fields, line)

    def prolong(self, until: float) -> None:
        """Let the lease run until then."""
        before, self.state.until = self.state.until, until
        try:
            write_summary(self.state, self.path)
        except OSError:
            self.state.until = before
            raise

    def remove(self) -> None:
        """Remove the file, and what lies beside it."""
        # Last the journal: until it is gone the run is all there.
        remove_summary(self.path)
        self.path.unlink()
        if self._sync:
            sync_folder(self.path.parent)

    def _catch_up(self) -> None:
        size = os.fstat(self._file).st_size
        known = self.state.lines and os.pread(self._file, OPENING, 0) == self.state.opening.encode()
        if known and size == self.state.offset:
            return
        if known and size > self.state.offset:
            torn = self.state.catch_up(self.path)
        else:
            self.state, torn, self.damage = load(self.path)
        if torn:
            self._cut(torn)

    def _cut(self, torn: int) -> None:
        """Remove the part of a line that a crash or a full disk has left; its append never returned."""
        os.ftruncate(self._file, self.state.offset)
        import structlog

        structlog.get_logger("loopengt.storage.jsonl").warning(
            "torn last line removed", file=str(self.path), line=self.state.lines + 1, bytes=torn
        )


def events(first_seq: int, count: int, row: RunRow | None) -> dict[str, Any]:
    """Return the fields of a line that brings events, and a row when it changes."""
    fields: dict[str, Any] = {"seq": first_seq, "count": count}
    if row is not None:
        fields["row"] = {key: value for key, value in asdict(row).items() if key not in _OWNER_FIELDS}
    return fields


class Chunk(NamedTuple):
    """Some batches of a journal, and where to go on."""

    batches: list[Batch]
    offset: int = 0
    lines: int = 0
    last_seq: int = 0
    end: bool = False
    """There is no more."""
    damage: StorageCorrupt | None = None
    """Why there is no more, when a line is damaged."""


def read_chunk(path: Path, run_id: str, before: Chunk, after: int) -> Chunk:
    """Read on behind the chunk ``before``, leaving out batches that end at or before position ``after``.

    Raises:
        RunNotFound: There is no such run.
    """
    batches: list[Batch] = []
    _, offset, lines, last_seq, _, _ = before
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise no_run(run_id, path.parent) from None
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                break  # Torn, or being written just now.
            try:
                found = events_of(line)
                if found and found[0] != last_seq + 1:
                    raise DamagedLine(f"event {found[0]} follows event {last_seq}")
            except DamagedLine as error:
                return Chunk(
                    batches, offset, lines, last_seq, end=True, damage=damaged(path, lines + 1, error)
                )
            offset += len(line)
            lines += 1
            if found:
                last_seq += found[1]
                if last_seq > after:
                    batches.append(Batch(found[0], found[2]))
            if offset - before.offset >= CHUNK:
                return Chunk(batches, offset, lines, last_seq)
    if lines == 0:
        raise no_run(run_id, path.parent)
    return Chunk(batches, offset, lines, last_seq, end=True)


def no_run(run_id: str, folder: Path) -> RunNotFound:
    """Return the error for a run that has no file."""
    return RunNotFound(
        f"There is no run {run_id} in {folder}.", remedy="List the runs there are: loopengt runs"
    )
