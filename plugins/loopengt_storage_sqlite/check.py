"""Looks for damage in the database, as SQLite sees it and as journals and blobs show it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from loopengt_storage_sqlite.schema import SEQ_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["findings"]

_MASK = (1 << SEQ_BITS) - 1


def findings(connection: sqlite3.Connection) -> list[str]:
    """Return one sentence for each thing that is not as it should be."""
    found: list[str] = []
    for look in (_structure, _journals, _strays, _blobs):
        try:
            found.extend(look(connection))
        except sqlite3.Error as error:
            found.append(f"The database cannot be read to its end: {error}.")
    return list(dict.fromkeys(found))


def _structure(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA quick_check"):
        if line != "ok":
            yield f"The file is damaged: {line}."


def _journals(connection: sqlite3.Connection) -> Iterator[str]:
    for no, run_id in connection.execute("SELECT no, run_id FROM runs ORDER BY no").fetchall():
        for problem in _journal(connection, no):
            yield f"Run {run_id}: {problem}."


def _journal(connection: sqlite3.Connection, no: int) -> Iterator[str]:
    base = no << SEQ_BITS
    last = 0
    query = "SELECT id, payload FROM events WHERE id > ? AND id <= ? ORDER BY id"
    try:
        with closing(connection.execute(query, (base, base + _MASK))) as cursor:
            for number, payload in cursor:
                end = number & _MASK
                count = _count(payload)
                if count is None:
                    yield f"the events up to position {end} of its journal are not a JSON array"
                elif count != end - last:
                    yield (
                        f"{count} events stand between the positions {last} and {end} of its journal, "
                        f"where {end - last} should"
                    )
                last = end
    except sqlite3.Error as error:
        yield f"its journal cannot be read behind position {last}: {error}"
    else:
        if not last:
            yield "its journal is empty"


def _strays(connection: sqlite3.Connection) -> Iterator[str]:
    query = "SELECT DISTINCT id >> ? AS no FROM events WHERE no NOT IN (SELECT no FROM runs)"
    for (no,) in connection.execute(query, (SEQ_BITS,)):
        yield f"The journal of run number {no} has no run."


def _blobs(connection: sqlite3.Connection) -> Iterator[str]:
    with closing(connection.execute("SELECT digest, data FROM blobs")) as cursor:
        for digest, data in cursor:
            if hashlib.sha256(data).digest() != digest:
                yield f"The blob {digest.hex()} does not match its digest."


def _count(payload: bytes) -> int | None:
    try:
        events = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return len(events) if isinstance(events, list) else None
