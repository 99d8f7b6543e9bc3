"""What is written about entries, and entries as they are read: one function for each question."""

from __future__ import annotations

import json
from array import array
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import MemoryEntry
from loopengt_memory.store import words
from loopengt_memory.store.facts import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_memory.store.database import Session
    from loopengt_memory.store.facts import Filter

__all__ = [
    "Place",
    "Row",
    "Scope",
    "Vector",
    "add",
    "check_dimensions",
    "clear",
    "count",
    "dimensions",
    "find_scope",
    "get",
    "load",
    "recent",
    "remove",
]

_SHIFT = 32
_PIECE = 500


class Place(NamedTuple):
    """Which memory is meant."""

    scope: str
    name: str


class Scope(NamedTuple):
    """A memory that holds, or has held, something."""

    no: int
    last: int
    """Number of the entry that was added last."""
    removals: int
    """How many entries were removed or replaced so far."""

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest number that its entries may have."""
        return self.no << _SHIFT, ((self.no + 1) << _SHIFT) - 1


class Row(NamedTuple):
    """An entry to be added."""

    entry_id: str
    content: str
    words: str
    """The content as the index of words takes it."""
    metadata: str
    """As JSON."""
    facts: list[tuple[str, str]]
    created_at: str
    vector: Vector | None


class Vector(NamedTuple):
    """An embedding as it is kept."""

    dimensions: int
    norm: float
    data: bytes
    code: bytes


def find_scope(session: Session, place: Place) -> Scope | None:
    """Return a memory, or None when nothing was ever added to it."""
    found = session.execute(
        "SELECT no, last, removals FROM memory_scopes WHERE scope = ? AND name = ?", place
    ).fetchone()
    return None if found is None else Scope(*found)


def add(session: Session, place: Place, model: str, rows: Sequence[Row]) -> None:
    """Add entries in their order; each replaces one that has its id.

    Args:
        session: The database, in a transaction.
        place: The memory.
        model: What made the vectors.
        rows: The entries.

    Raises:
        UsageError: A vector has another number of dimensions than those that are kept.
    """
    session.execute("INSERT OR IGNORE INTO memory_scopes (scope, name) VALUES (?, ?)", place)
    scope = find_scope(session, place)
    assert scope is not None, "it was made a line before"
    number = max(scope.last, scope.range[0])
    for row in rows:
        number += 1
        _remove(session, scope, row.entry_id)
        session.execute(
            "INSERT INTO memory_entries VALUES (?, ?, ?, ?, ?, ?)",
            (number, scope.no, row.entry_id, row.content, row.metadata, row.created_at),
        )
        session.execute("INSERT INTO memory_words (rowid, words) VALUES (?, ?)", (number, row.words))
        session.connection.executemany(
            "INSERT OR IGNORE INTO memory_metadata VALUES (?, ?, ?)",
            [(key, value, number) for key, value in row.facts],
        )
        if row.vector is not None:
            _add_vector(session, scope, model, number, row.vector)
    session.execute("UPDATE memory_scopes SET last = ? WHERE no = ?", (number, scope.no))


def _add_vector(session: Session, scope: Scope, model: str, number: int, vector: Vector) -> None:
    model_no = _model(session, scope, model, vector.dimensions)
    session.execute("INSERT INTO memory_vectors VALUES (?, ?, ?)", (number, vector.norm, vector.data))
    session.execute("INSERT INTO memory_codes VALUES (?, ?, ?)", (number, model_no, vector.code))


def _model(session: Session, scope: Scope, model: str, size: int) -> int:
    known = dimensions(session, scope, model)
    if known is None:
        cursor = session.execute(
            "INSERT INTO memory_models (scope_no, model, dimensions) VALUES (?, ?, ?)",
            (scope.no, model, size),
        )
        assert cursor.lastrowid is not None, "an INSERT has a row id"
        return cursor.lastrowid
    check_dimensions(known[1], size)
    return known[0]


def dimensions(session: Session, scope: Scope, model: str) -> tuple[int, int] | None:
    """Return number and dimensions of a model whose vectors the memory keeps, or None."""
    found: tuple[int, int] | None = session.execute(
        "SELECT no, dimensions FROM memory_models WHERE scope_no = ? AND model = ?", (scope.no, model)
    ).fetchone()
    return found


def check_dimensions(kept: int, given: int) -> None:
    """Refuse a vector that cannot be compared.

    Raises:
        UsageError: It has another number of dimensions.
    """
    if kept != given:
        raise UsageError(
            f"an embedding of {given} dimensions cannot be compared with those that the memory keeps, of {kept}",
            remedy="Use the embedder that made those, or begin anew: loopengt memory clear.",
        )


def remove(session: Session, place: Place, entry_id: str) -> bool:
    """Remove an entry; False when there was none."""
    scope = find_scope(session, place)
    return scope is not None and _remove(session, scope, entry_id)


def clear(session: Session, place: Place) -> int:
    """Remove all entries of a memory and return how many there were."""
    scope = find_scope(session, place)
    if scope is None:
        return 0
    removed = 0
    while True:
        found = session.execute(
            "SELECT no, content, metadata FROM memory_entries WHERE no BETWEEN ? AND ? LIMIT ?",
            (*scope.range, _PIECE),
        ).fetchall()
        for number, content, metadata in found:
            _delete(session, number, content, metadata)
        removed += len(found)
        if len(found) < _PIECE:
            break
    session.execute("DELETE FROM memory_models WHERE scope_no = ?", (scope.no,))
    session.execute("UPDATE memory_scopes SET removals = removals + 1 WHERE no = ?", (scope.no,))
    return removed


def _remove(session: Session, scope: Scope, entry_id: str) -> bool:
    found = session.execute(
        "SELECT no, content, metadata FROM memory_entries WHERE scope_no = ? AND entry_id = ?",
        (scope.no, entry_id),
    ).fetchone()
    if found is None:
        return False
    _delete(session, *found)
    session.execute("UPDATE memory_scopes SET removals = removals + 1 WHERE no = ?", (scope.no,))
    return True


def _delete(session: Session, number: int, content: str, metadata: str) -> None:
    # An index without content has to be told what was indexed.
    session.execute(
        "INSERT INTO memory_words (memory_words, rowid, words) VALUES ('delete', ?, ?)",
        (number, words.indexed(content)),
    )
    session.connection.executemany(
        "DELETE FROM memory_metadata WHERE key = ? AND value = ? AND no = ?",
        [(key, value, number) for key, value in facts(json.loads(metadata))],
    )
    for table in ("memory_entries", "memory_vectors", "memory_codes"):
        session.execute(f"DELETE FROM {table} WHERE no = ?", (number,))  # noqa: S608 - the names are ours


def get(session: Session, place: Place, entry_id: str) -> MemoryEntry | None:
    """Return an entry, or None."""
    scope = find_scope(session, place)
    if scope is None:
        return None
    found = session.execute(
        "SELECT no FROM memory_entries WHERE scope_no = ? AND entry_id = ?", (scope.no, entry_id)
    ).fetchone()
    return None if found is None else load(session, [(found[0], 0.0)])[0]


def count(session: Session, place: Place) -> int:
    """Return how many entries a memory has."""
    scope = find_scope(session, place)
    if scope is None:
        return 0
    (number,) = session.execute(
        "SELECT count(*) FROM memory_entries WHERE scope_no = ?", (scope.no,)
    ).fetchone()
    return int(number)


def recent(session: Session, place: Place, top_k: int, wanted: Filter) -> list[MemoryEntry]:
    """Return the entries that were added last, newest first."""
    scope = find_scope(session, place)
    if scope is None:
        return []
    found = session.execute(
        f"SELECT no, 0.0 FROM memory_entries AS e WHERE no BETWEEN ? AND ?{wanted.sql('e.no')}"  # noqa: S608
        " ORDER BY no DESC LIMIT ?",
        (*scope.range, *wanted.values, top_k),
    ).fetchall()
    return load(session, found)


def load(session: Session, hits: Sequence[tuple[int, float]]) -> list[MemoryEntry]:
    """Return the entries of some numbers with their scores, in that order."""
    found = session.execute(
        "SELECT no, entry_id, content, metadata, created_at, vector FROM memory_entries"
        " LEFT JOIN memory_vectors USING (no) WHERE no IN (SELECT value FROM json_each(?))",
        (json.dumps([number for number, _ in hits]),),
    )
    entries = {number: rest for number, *rest in found}
    return [_entry(entries[number], score) for number, score in hits]


def _entry(row: Sequence[Any], score: float) -> MemoryEntry:
    entry_id, content, metadata, created_at, vector = row
    return MemoryEntry(
        entry_id=entry_id,
        content=content,
        metadata=json.loads(metadata),
        embedding=None if vector is None else array("f", vector).tolist(),
        score=score,
        created_at=datetime.fromisoformat(created_at),
    )
