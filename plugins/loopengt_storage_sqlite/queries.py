"""What is read from the database: one function for each question, each of them short."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

from loopengt_hookspecs.errors import RunNotFound, StorageCorrupt, StorageError
from loopengt_hookspecs.storage import Batch, RunRow
from loopengt_storage_sqlite.jobs import run_not_found
from loopengt_storage_sqlite.schema import SEQ_BITS

__all__ = ["find_run", "get_blob", "read_batches", "rows"]

_MOST_BATCHES = 512
_MOST_BYTES = 1 << 20
_MASK = (1 << SEQ_BITS) - 1

_ROWS = """SELECT run_id, loop_name, status, reason, detail, turn, tokens, cost_usd, started_at, completed_at,
owner, lease_until, parent FROM runs
WHERE substr(run_id, 1, ?) = ? AND status = coalesce(?, status) AND loop_name = coalesce(?, loop_name)
ORDER BY started_at DESC, no DESC LIMIT ?"""


def find_run(connection: sqlite3.Connection, run_id: str, after: int) -> tuple[int, int]:
    """Return a run's number, and the end of the last batch that ends no later than position ``after``."""
    found = connection.execute("SELECT no FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if found is None:
        raise run_not_found(run_id)
    no: int = found[0]
    if after <= 0:  # Then a damaged neighbour is not looked at.
        return no, 0
    base = no << SEQ_BITS
    (last,) = connection.execute(
        "SELECT max(id) FROM events WHERE id BETWEEN ? AND ?", (base, base + min(after, _MASK))
    ).fetchone()
    return no, 0 if last is None else last & _MASK


def read_batches(
    connection: sqlite3.Connection, run_id: str, no: int, last: int
) -> tuple[list[Batch], int, bool]:
    """Return some batches behind position ``last``, where they end, and whether there may be more."""
    base = no << SEQ_BITS
    batches: list[Batch] = []
    size = 0
    query = "SELECT id, payload FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
    with closing(connection.execute(query, (base + last, base + _MASK, _MOST_BATCHES))) as cursor:
        try:
            for number, payload in cursor:
                batches.append(Batch(last + 1, payload))
                last = number & _MASK
                size += len(payload)
                if size >= _MOST_BYTES:
                    return batches, last, True
        except sqlite3.DatabaseError:
            if not batches:
                raise
            return batches, last, True  # What stands before the damage; the next call meets it again.
    if not batches and connection.execute("SELECT 1 FROM runs WHERE no = ?", (no,)).fetchone() is None:
        raise RunNotFound(
            f"run {run_id!r} was deleted while it was read", remedy="List the runs with `loopengt runs`."
        )
    return batches, last, len(batches) == _MOST_BATCHES


def rows(
    connection: sqlite3.Connection, prefix: str, status: str | None, loop_name: str | None, limit: int | None
) -> list[RunRow]:
    """Return the rows that fit, newest first."""
    values = (len(prefix), prefix, status, loop_name, -1 if limit is None else limit)
    found = connection.execute(_ROWS, values)
    return [RunRow(*row) for row in found]


def get_blob(connection: sqlite3.Connection, digest: str) -> bytes:
    """Return the bytes of a digest, having checked that they are the ones."""
    try:
        key = bytes.fromhex(digest)
    except ValueError:
        key = b""
    found = connection.execute("SELECT data FROM blobs WHERE digest = ?", (key,)).fetchone()
    if found is None:
        raise StorageError(
            f"no blob has the digest {digest!r}", remedy="Run `loopengt doctor` to look for damage."
        )
    data: bytes = found[0]
    if hashlib.sha256(data).digest() != key:
        raise StorageCorrupt(
            f"the blob {digest} does not match its digest", remedy="Run `loopengt doctor` to look for damage."
        )
    return data
