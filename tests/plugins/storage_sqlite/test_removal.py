"""What deletions leave behind: after a kill, on the disk, and in a database of the version before them."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sqlite3
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING

import pytest

from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import Batch, Lease, LeaseLost, RunNotFound, RunRow
from loopengt_storage_sqlite.connect import connect
from loopengt_storage_sqlite.schema import MIGRATIONS, migrate
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

Spawn = Callable[..., "subprocess.Popen[str]"]

# Makes runs of ten batches and deletes every second one, until it is killed, and says what is durable.
DELETE_FOR_EVER = """
import asyncio, itertools, sys
from pathlib import Path
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunRow
from loopengt_storage_sqlite.storage import SqliteStorage

async def main(path):
    storage = SqliteStorage(Path(path))
    await storage.open()
    for number in itertools.count():
        run_id = f"run-{number}"
        lease = await storage.create(RunRow(run_id, "demo", "running"), current_owner(), 60, b"[1]", 1)
        for seq in range(1, 10):
            await storage.append(lease, seq, 1, b'["%s"]' % (b"x" * 5000))
        print("made", run_id, flush=True)
        if number % 2:
            print("deleting", run_id, flush=True)
            await storage.delete(lease)
            print("deleted", run_id, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def make_run(storage: SqliteStorage, run_id: str = "run-1", batches: int = 1) -> Lease:
    """Create a run whose journal holds so many batches of 5 KB."""
    lease = await storage.create(RunRow(run_id, "demo", "running"), current_owner(), 60, b"[1]", 1)
    for seq in range(1, batches):
        await storage.append(lease, seq, 1, b'["%s"]' % (b"x" * 5000))
    return lease


@pytest.mark.parametrize("lines", [3, 50, 111])
def test_a_kill_leaves_runs_whole_or_gone(path: Path, spawn: Spawn, lines: int) -> None:
    """When a process that deletes runs is killed, each run is there with all it has, or gone with all it had."""
    child = spawn(DELETE_FOR_EVER, path)
    assert child.stdout is not None
    said = [child.stdout.readline().split() for _ in range(lines)]
    child.kill()
    said += [line.split() for line in child.stdout.readlines() if line.endswith("\n")]
    assert child.wait() == -signal.SIGKILL
    told = {(verb, run_id) for verb, run_id in said}

    async def verify() -> None:
        storage = SqliteStorage(path)
        await storage.open()
        there = {row.run_id for row in await storage.rows()}
        for verb, run_id in told:
            if verb == "deleted":
                assert run_id not in there
            elif verb == "made" and ("deleting", run_id) not in told and int(run_id[4:]) % 2 == 0:
                assert len([batch async for batch in storage.read(run_id)]) == 10
        assert await storage.check() == []
        await storage.close()

    asyncio.run(verify())
    look = sqlite3.connect(path)
    strays = look.execute(
        "SELECT count(*) FROM events WHERE id >> 32 NOT IN (SELECT no FROM runs)"
    ).fetchone()
    look.close()
    assert strays == (0,)


async def test_the_file_shrinks(storage: SqliteStorage, path: Path) -> None:
    """After a large deletion ``compact`` makes the file smaller by what it says, once; a full one it lets be."""
    kept = await make_run(storage, "kept", 20)
    lease = await make_run(storage, "doomed", 400)
    assert await storage.compact() == 0
    await storage.delete(lease)
    freed = await storage.compact()
    await storage.close()
    assert freed > 1_500_000
    assert path.stat().st_size < 400_000
    await storage.open()
    assert await storage.compact() == 0
    await storage.append(kept, 20, 1, b"[21]")
    assert len([batch async for batch in storage.read("kept")]) == 21


async def test_appends_go_on_while_the_file_is_compacted(storage: SqliteStorage, path: Path) -> None:
    """Appends of this and of another user of the database wait for ``compact`` and come to pass."""
    await storage.delete(await make_run(storage, "doomed", 400))
    other = SqliteStorage(path)
    await other.open()
    mine, theirs = await make_run(storage, "mine"), await make_run(other, "theirs")

    async def drive(user: SqliteStorage, lease: Lease) -> None:
        for seq in range(1, 50):
            await user.append(lease, seq, 1, b"[2]")

    await asyncio.gather(storage.compact(), drive(storage, mine), drive(other, theirs))
    for run_id in ("mine", "theirs"):
        assert len([batch async for batch in other.read(run_id)]) == 50
    await other.close()


async def test_a_number_is_never_given_out_again(storage: SqliteStorage) -> None:
    """A lease whose run was deleted cannot append to the run that is created next."""
    old = await make_run(storage, "run-1")
    await storage.delete(old)
    new = await make_run(storage, "run-2")
    assert new.handle != old.handle
    with pytest.raises(LeaseLost, match="it was deleted"):
        await storage.append(Lease("run-2", 1, old.handle), 1, 1, b'["stale"]')


async def test_a_reader_learns_that_the_run_was_deleted(storage: SqliteStorage) -> None:
    """A journal that is deleted while it is read does not end as if it were complete."""
    lease = await make_run(storage, batches=600)
    seen: list[Batch] = []

    async def read() -> None:
        async for batch in storage.read("run-1"):
            if not seen:
                await storage.delete(lease)
            seen.append(batch)

    with pytest.raises(RunNotFound, match="'run-1' was deleted"):
        await read()
    assert 0 < len(seen) < 600


class TestMigration:
    """A database of version 1, which knew neither parents nor the age of blobs."""

    def make_old(self, path: Path) -> None:
        """Make one with a run and a blob as that version did."""
        path.parent.mkdir()
        connection = connect(path, "rwc", 10)
        migrate(connection, path, 10, MIGRATIONS[:1])
        connection.execute(
            "INSERT INTO runs VALUES (7, 'run-1', 'demo', 'failed', 'exhausted', 'd', 3, 5, 0.5, 1.0, 2.0, NULL, 0, 4)"
        )
        connection.execute("INSERT INTO events VALUES (?, ?)", (7 << 32 | 2, b"[1,2]"))
        self.store(connection, b"old")
        connection.close()

    def store(self, connection: sqlite3.Connection, data: bytes) -> None:
        """Store a blob as that version did."""
        digest = hashlib.sha256(data).digest()
        connection.execute("INSERT OR IGNORE INTO blobs (digest, data) VALUES (?, ?)", (digest, data))

    async def test_nothing_is_lost(self, path: Path) -> None:
        """Runs, journals and blobs of the older version are there, and its runs have no parent."""
        self.make_old(path)
        storage = SqliteStorage(path)
        await storage.open()
        row = RunRow("run-1", "demo", "failed", "exhausted", "d", 3, 5, 0.5, 1.0, 2.0)
        assert await storage.rows() == [row]
        assert [batch async for batch in storage.read("run-1")] == [Batch(1, b"[1,2]")]
        assert await storage.get_blob(hashlib.sha256(b"old").hexdigest()) == b"old"
        assert await storage.claim("run-1", current_owner(), 60) == Lease("run-1", 5, 7)
        assert (await make_run(storage, "run-2")).handle == 8
        assert await storage.check() == []
        await storage.close()

    async def test_its_blobs_count_as_new(self, path: Path) -> None:
        """Blobs of the older version, also those that it stores after the migration, are young at first."""
        self.make_old(path)
        storage = SqliteStorage(path)
        await storage.open()
        old = connect(path, "rw", 10)
        self.store(old, b"later")
        old.close()
        assert await storage.prune_blobs([], 3600) == 0
        look = sqlite3.connect(path, isolation_level=None)
        assert look.execute("SELECT count(*) FROM blob_times").fetchone() == (2,)
        look.execute("UPDATE blob_times SET stored_at = ?", (time() - 4000,))
        look.close()
        assert await storage.prune_blobs([], 3600) == len(b"oldlater")
        await storage.close()

    async def test_a_process_of_the_older_version_goes_on(self, path: Path) -> None:
        """A process of the older version that has the database open still writes runs and events after it."""
        self.make_old(path)
        old = connect(path, "rw", 10)
        assert old.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        storage = SqliteStorage(path)
        await storage.open()
        old.execute(
            "INSERT INTO runs (run_id, loop_name, status, reason, detail, turn, tokens, cost_usd, started_at, "
            "completed_at, owner, lease_until, fence) VALUES ('run-2', 'demo', 'running', NULL, '', 0, 0, 0, 9, NULL, "
            "NULL, 0, 1)"
        )
        old.close()
        assert [(row.run_id, row.parent) for row in await storage.rows()] == [
            ("run-2", None),
            ("run-1", None),
        ]
        await storage.close()
