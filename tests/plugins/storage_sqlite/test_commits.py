"""How appends share commits, and how one that fails leaves the others alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.storage import Batch, Lease, LeaseLost, RunNotFound, RunRow, StorageError
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    from pathlib import Path

Lock = Callable[[], AbstractContextManager[None]]


async def _start(storage: SqliteStorage, run_id: str) -> Lease:
    return await storage.create(RunRow(run_id, "demo", "running"), "owner", 60, b"[1]", 1)


async def _start_many(storage: SqliteStorage, count: int) -> list[Lease]:
    return await asyncio.gather(*(_start(storage, f"run-{index}") for index in range(count)))


async def _payloads(storage: SqliteStorage, run_id: str) -> list[bytes]:
    return [batch.payload async for batch in storage.read(run_id)]


async def _begun(*work: Any) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.ensure_future(job) for job in work]
    await asyncio.sleep(0)
    return tasks


async def test_appends_that_wait_share_a_commit(
    storage: SqliteStorage, locked: Lock, commits: Callable[[], int]
) -> None:
    """100 runs whose appends wait while another process writes are committed in at most two transactions."""
    leases = await _start_many(storage, 100)
    before = commits()
    with locked():
        tasks = await _begun(*(storage.append(lease, 1, 1, b"[2]") for lease in leases))
    await asyncio.gather(*tasks)
    # The writer may have taken the first one before the others came.
    assert 1 <= commits() - before <= 2


async def test_a_group_is_bounded(storage: SqliteStorage, locked: Lock, commits: Callable[[], int]) -> None:
    """600 waiting appends take three transactions of at most 256, or one more."""
    leases = await _start_many(storage, 600)
    before = commits()
    with locked():
        tasks = await _begun(*(storage.append(lease, 1, 1, b"[2]") for lease in leases))
    await asyncio.gather(*tasks)
    assert 3 <= commits() - before <= 4


async def test_a_run_alone_commits_each_append(
    storage: SqliteStorage, commits: Callable[[], int], path: Path
) -> None:
    """A run that appends one after the other pays one commit for each, which another process sees at once."""
    lease = await _start(storage, "run-1")
    other = sqlite3.connect(path, isolation_level=None)
    before = commits()
    for seq in range(1, 101):
        row = RunRow("run-1", "demo", "running", turn=seq) if seq % 10 == 0 else None
        await storage.append(lease, seq, 1, b"[2]", row)
        assert other.execute("SELECT count(*) FROM events").fetchone() == (seq + 1,)
        assert other.execute("SELECT turn FROM runs").fetchone() == (seq // 10 * 10,)
    other.close()
    assert commits() - before == 100


async def test_appends_of_one_run_keep_their_order(storage: SqliteStorage) -> None:
    """Appends of one run that do not await each other are written, and answered, in their order."""
    lease = await _start(storage, "run-1")
    for seq in range(1, 11):  # Alone and awaited, so that the quickest way is open.
        await storage.append(lease, seq, 1, b"[%d]" % seq)
    answered: list[int] = []

    async def append(seq: int) -> None:
        await storage.append(lease, seq, 1, b"[%d]" % seq)
        answered.append(seq)

    await asyncio.gather(*(append(seq) for seq in range(11, 111)))
    assert answered == list(range(11, 111))
    assert await _payloads(storage, "run-1") == [b"[1]", *(b"[%d]" % seq for seq in range(1, 111))]


async def test_one_bad_job_does_not_spoil_the_batch(
    storage: SqliteStorage, locked: Lock, commits: Callable[[], int]
) -> None:
    """Jobs of one commit that fail get errors of their own and leave no trace; the others are written."""
    good, bad, worse, last = [await _start(storage, name) for name in ("good", "bad", "worse", "last")]
    unfit: Any = object()
    before = commits()
    with locked():
        tasks = await _begun(
            storage.append(good, 1, 1, b"[2]"),
            storage.append(bad, 7, 1, b'["lost"]'),
            storage.append(worse, 1, 1, b'["half"]', RunRow("worse", "demo", "running", turn=unfit)),
            _start(storage, "good"),
            storage.signal("nobody", {}),
            storage.append(last, 1, 1, b"[2]"),
        )
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        LeaseLost,
        StorageError,
        StorageError,
        RunNotFound,
        type(None),
    ]
    assert commits() - before <= 2
    journals = [await _payloads(storage, name) for name in ("good", "bad", "worse", "last")]
    assert journals == [[b"[1]", b"[2]"], [b"[1]"], [b"[1]"], [b"[1]", b"[2]"]]
    await storage.append(worse, 1, 1, b"[2]")
    assert await storage.check() == []


async def test_a_caller_that_gave_up_disturbs_nobody(storage: SqliteStorage, locked: Lock) -> None:
    """An append whose caller was cancelled is still written in its place; the others get their answers."""
    leases = await _start_many(storage, 3)
    with locked():
        tasks = await _begun(*(storage.append(lease, 1, 1, b"[2]") for lease in leases))
        tasks[1].cancel()
        await asyncio.wait([tasks[1]])
    await asyncio.gather(tasks[0], tasks[2])
    await storage.append(leases[1], 2, 1, b"[3]")
    assert await _payloads(storage, "run-1") == [b"[1]", b"[2]", b"[3]"]


async def test_the_event_loop_goes_on_while_another_process_writes(
    storage: SqliteStorage, locked: Lock
) -> None:
    """An append that has to wait for another process's lock leaves the event loop and readers free."""
    lease = await _start(storage, "run-1")
    for seq in range(1, 11):
        await storage.append(lease, seq, 1, b"[2]")
    async with asyncio.timeout(4):  # Less than the append would wait for the lock.
        with locked():
            (task,) = await _begun(storage.append(lease, 11, 1, b"[3]"))
            for _ in range(100):
                await asyncio.sleep(0)
            assert len(await _payloads(storage, "run-1")) == 11
            assert not task.done()
    await task
    assert (await _payloads(storage, "run-1"))[-1] == b"[3]"


async def test_a_busy_run_leaves_other_tasks_their_turn(storage: SqliteStorage) -> None:
    """A run that appends without pause does not starve the other tasks of its event loop."""
    lease = await _start(storage, "run-1")
    appended = 0
    turns: set[int] = set()

    async def watch() -> None:
        while True:
            turns.add(appended)
            await asyncio.sleep(0)

    watcher = asyncio.ensure_future(watch())
    for appended in range(1, 1001):
        await storage.append(lease, appended, 1, b"[2]")
    watcher.cancel()
    assert len(turns) > 2


async def test_a_lock_that_stays_is_an_error(storage: SqliteStorage, path: Path, locked: Lock) -> None:
    """When another program does not let go of the database, an append says so, and later ones work."""
    hasty = SqliteStorage(path, patience=0.05)
    await hasty.open()
    lease = await _start(storage, "run-1")
    with locked(), pytest.raises(StorageError, match=r"is locked(.|\n)*fuser"):
        await hasty.append(lease, 1, 1, b"[2]")
    await hasty.append(lease, 1, 1, b"[2]")
    assert [batch async for batch in hasty.read("run-1")] == [Batch(1, b"[1]"), Batch(2, b"[2]")]
    await hasty.close()
