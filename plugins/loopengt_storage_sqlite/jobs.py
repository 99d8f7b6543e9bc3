"""What is done to the database inside a transaction: one function for each writing method of the storage."""

from __future__ import annotations

import json
from time import time
from typing import TYPE_CHECKING, Any

from loopengt.ownership import describe, is_alive
from loopengt_hookspecs.errors import LeaseLost, RunNotFound, RunOwned, StorageError
from loopengt_hookspecs.storage import Lease, Renewal
from loopengt_storage_sqlite.schema import SEQ_BITS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from loopengt_hookspecs.storage import RunRow

__all__ = ["append", "claim", "create", "delete", "put_blob", "release", "renew", "run_not_found", "signal"]

_PIECE = 1 << 20

_INSERT_EVENTS = "INSERT INTO events (id, payload) VALUES (?, ?)"

# Lease and position are checked in the statement that writes.
_APPEND = """INSERT INTO events (id, payload) SELECT ?, ?
WHERE (SELECT fence FROM runs WHERE no = ? AND owner IS NOT NULL) = ?
AND coalesce((SELECT max(id) FROM events WHERE id BETWEEN ? AND ?), ?) = ?"""

_CREATE = """INSERT INTO runs (run_id, loop_name, status, reason, detail, turn, tokens, cost_usd, started_at,
completed_at, owner, lease_until, fence, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)"""

_UPDATE_ROW = """UPDATE runs SET loop_name = ?, status = ?, reason = ?, detail = ?, turn = ?, tokens = ?,
cost_usd = ?, started_at = ?, completed_at = ? WHERE no = ?"""

_RELEASE = "UPDATE runs SET owner = NULL, lease_until = 0 WHERE no = ? AND fence = ? AND owner IS NOT NULL"

_TOUCH = "INSERT OR REPLACE INTO blob_times (digest, stored_at) VALUES (?, ?)"

_RENEW = "UPDATE runs SET lease_until = ? WHERE no = ? AND fence = ? AND owner IS NOT NULL"


def create(cursor: sqlite3.Cursor, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
    """Add a run, its first events and its lease."""
    known = cursor.execute("SELECT 1 FROM runs WHERE run_id = ?", (row.run_id,)).fetchone()
    if known is not None:
        raise StorageError(f"a run {row.run_id!r} exists already", remedy="Give the new run another id.")
    cursor.execute(_CREATE, (row.run_id, *_facts(row), owner, time() + ttl, row.parent))
    no = cursor.lastrowid
    assert no is not None, "an INSERT has a row id"
    if count:
        cursor.execute(_INSERT_EVENTS, (no << SEQ_BITS | count, payload))
    return Lease(row.run_id, 1, no)


def claim(cursor: sqlite3.Cursor, run_id: str, owner: str, ttl: float) -> Lease:
    """Lease a run that nobody drives."""
    found = cursor.execute(
        "SELECT no, owner, lease_until, fence FROM runs WHERE run_id = ?", (run_id,)
    ).fetchone()
    if found is None:
        raise run_not_found(run_id)
    no, holder, until, fence = found
    now = time()
    if holder is not None and until > now and is_alive(holder) is not False:
        raise RunOwned(
            f"run {run_id!r} is driven by {describe(holder)}",
            remedy=f"Wait for it, or end it with `loopengt stop {run_id}`.",
        )
    cursor.execute(
        "UPDATE runs SET owner = ?, lease_until = ?, fence = ? WHERE no = ?",
        (owner, now + ttl, fence + 1, no),
    )
    return Lease(run_id, fence + 1, no)


def renew(cursor: sqlite3.Cursor, leases: Sequence[Lease], ttl: float) -> Renewal:
    """Prolong leases, and take the signals of their runs."""
    until = time() + ttl
    renewal = Renewal()
    renewed = {}
    for lease in leases:
        if cursor.execute(_RENEW, (until, lease.handle, lease.fence)).rowcount:
            renewed[lease.handle] = lease.run_id
        elif _fence(cursor, lease) != lease.fence:  # Else we gave it back ourselves.
            renewal.lost.append(lease)
    signals = cursor.execute("SELECT id, no, payload FROM signals ORDER BY id").fetchall()
    for number, no, payload in signals:
        if no in renewed:
            cursor.execute("DELETE FROM signals WHERE id = ?", (number,))
            renewal.signals.append((renewed[no], json.loads(payload)))
    return renewal


def release(cursor: sqlite3.Cursor, lease: Lease) -> None:
    """Give a lease back when it is still held."""
    cursor.execute(_RELEASE, (lease.handle, lease.fence))


def append(
    cursor: sqlite3.Cursor,
    lease: Lease,
    expected_seq: int,
    count: int,
    payload: bytes,
    row: RunRow | None,
    release: bool,
) -> None:
    """Append events when the lease is held and the journal ends where the caller thinks."""
    _, fence, no = lease
    base = no << SEQ_BITS
    end = base + expected_seq
    cursor.execute(_APPEND, (end + count, payload, no, fence, base, base + (1 << SEQ_BITS) - 1, base, end))
    if cursor.rowcount != 1:
        raise _refusal(cursor, lease, expected_seq)
    if row is not None:
        cursor.execute(_UPDATE_ROW, (*_facts(row), no))
    if release:
        cursor.execute(_RELEASE, (no, fence))


def signal(cursor: sqlite3.Cursor, run_id: str, payload: str) -> None:
    """Leave a signal for whoever drives the run."""
    cursor.execute(
        "INSERT INTO signals (no, payload) SELECT no, ? FROM runs WHERE run_id = ?", (payload, run_id)
    )
    if cursor.rowcount != 1:
        raise run_not_found(run_id)


def delete(cursor: sqlite3.Cursor, lease: Lease) -> None:
    """Remove a run that is held, its journal and its signals."""
    _, fence, no = lease
    held = cursor.execute(
        "DELETE FROM runs WHERE no = ? AND fence = ? AND owner IS NOT NULL", (no, fence)
    ).rowcount
    if not held:
        raise _lost(cursor, lease, f"run {lease.run_id!r} was not deleted")
    base = no << SEQ_BITS
    cursor.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", (base, base + (1 << SEQ_BITS) - 1))
    cursor.execute("DELETE FROM signals WHERE no = ?", (no,))


def put_blob(cursor: sqlite3.Cursor, digest: bytes, data: bytes) -> None:
    """Store bytes under the digest of their content, and note the time."""
    cursor.execute(_TOUCH, (digest, time()))
    if len(data) <= _PIECE:
        cursor.execute("INSERT OR IGNORE INTO blobs (digest, data) VALUES (?, ?)", (digest, data))
        return
    # Piece by piece: SQLite would hold two copies of a value that it is given whole.
    insert = "INSERT OR IGNORE INTO blobs (digest, data) VALUES (?, zeroblob(?))"
    if cursor.execute(insert, (digest, len(data))).rowcount and cursor.lastrowid is not None:
        view = memoryview(data)
        with cursor.connection.blobopen("blobs", "data", cursor.lastrowid) as blob:
            for start in range(0, len(data), _PIECE):
                blob.write(view[start : start + _PIECE])


def run_not_found(run_id: str) -> RunNotFound:
    """Return the error for a run that is not there."""
    return RunNotFound(f"no run has the id {run_id!r}", remedy="List the runs with `loopengt runs`.")


def _facts(row: RunRow) -> tuple[Any, ...]:
    return (
        row.loop_name,
        row.status,
        row.reason,
        row.detail,
        row.turn,
        row.tokens,
        row.cost_usd,
        row.started_at,
        row.completed_at,
    )


def _fence(cursor: sqlite3.Cursor, lease: Lease) -> int | None:
    found = cursor.execute("SELECT fence FROM runs WHERE no = ?", (lease.handle,)).fetchone()
    return None if found is None else int(found[0])


def _refusal(cursor: sqlite3.Cursor, lease: Lease, expected_seq: int) -> LeaseLost:
    """Say why an append wrote nothing."""
    what = f"nothing was appended to run {lease.run_id!r}"
    return _lost(cursor, lease, what, f"its journal does not end at position {expected_seq}")


def _lost(cursor: sqlite3.Cursor, lease: Lease, what: str, else_why: str = "") -> LeaseLost:
    """Return the error for a lease that is no good, or for what else is in the way."""
    found = cursor.execute("SELECT fence, owner FROM runs WHERE no = ?", (lease.handle,)).fetchone()
    fence, owner = found or (None, None)
    if fence is None:
        why = "it was deleted"
    elif fence != lease.fence and owner is not None:
        why = f"it was taken over by {describe(owner)}"
    elif fence != lease.fence or owner is None:
        why = "its lease was given back"
    else:
        why = else_why
    return LeaseLost(
        f"{what}: {why}",
        remedy=f"See what drives it with `loopengt runs`; go on with `loopengt resume {lease.run_id}`.",
    )
