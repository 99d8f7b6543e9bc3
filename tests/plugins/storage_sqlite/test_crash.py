"""What is there after a process was killed, and who may go on with its runs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import Lease, LeaseLost, RunOwned
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

Spawn = Callable[..., "subprocess.Popen[str]"]

# Appends to its runs, all at once, until it is killed, and says what it was told is durable.
APPEND_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunNotFound, RunRow
from loopengt_storage_sqlite.storage import SqliteStorage

async def drive(storage, run_id):
    try:
        lease = await storage.claim(run_id, current_owner(), 3600)
        seq = sum([1 async for batch in storage.read(run_id)])
    except RunNotFound:
        lease = await storage.create(RunRow(run_id, "demo", "running"), current_owner(), 3600, b"[1]", 1)
        seq = 1
    while True:
        print(run_id, seq, flush=True)
        row = RunRow(run_id, "demo", "running", turn=seq + 1) if seq % 2 else None
        seq += 1
        await storage.append(lease, seq - 1, 1, b"[%d]" % seq, row)

async def main(path, runs, durability):
    storage = SqliteStorage(Path(path), durability=durability)
    await storage.open()
    await asyncio.gather(*(drive(storage, f"run-{index}") for index in range(int(runs))))

asyncio.run(main(*sys.argv[1:]))
"""

CLAIM = """
import asyncio, sys
from pathlib import Path
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunOwned
from loopengt_storage_sqlite.storage import SqliteStorage

async def main(path):
    storage = SqliteStorage(Path(path))
    await storage.open()
    try:
        lease = await storage.claim("run-0", current_owner(), 3600)
    except RunOwned as error:
        print("owned:", error.message, flush=True)
    else:
        print(*lease, flush=True)
    sys.stdin.readline()

asyncio.run(main(*sys.argv[1:]))
"""


def _killed(child: subprocess.Popen[str], lines: int) -> dict[str, int]:
    """Kill a child after so many lines and return the last position that it said is durable, for each run."""
    assert child.stdout is not None
    assert child.stderr is not None
    said = [child.stdout.readline() for _ in range(lines)]
    child.kill()
    said += child.stdout.readlines()
    assert child.wait() == -signal.SIGKILL, child.stderr.read()
    durable: dict[str, int] = {}
    for line in said:
        if line.endswith("\n"):
            run_id, seq = line.split()
            durable[run_id] = int(seq)
    return durable


async def _verify(path: Path, durable: dict[str, int]) -> None:
    """All that was durable is there, in order, and nothing but the one append that was under way besides."""
    storage = SqliteStorage(path)
    await storage.open()
    turns = {row.run_id: row.turn for row in await storage.rows()}
    for run_id, seq in durable.items():
        payloads = [batch.payload async for batch in storage.read(run_id)]
        assert len(payloads) in (seq, seq + 1), f"{run_id}: {len(payloads)} appends, and {seq} were durable"
        assert payloads == [b"[%d]" % number for number in range(1, len(payloads) + 1)]
        assert turns[run_id] == len(payloads) // 2 * 2, "the row does not belong to the journal"
    assert await storage.check() == []
    await storage.close()


@pytest.mark.parametrize(("runs", "durability"), [(1, "full"), (1, "normal"), (20, "full")])
def test_what_was_durable_survives_a_kill(path: Path, spawn: Spawn, runs: int, durability: str) -> None:
    """Processes killed while appending, each taking over from the last, lose nothing they were told."""
    for lines in (runs + 1, 100, 777):
        durable = _killed(spawn(APPEND_FOR_EVER, path, runs, durability), lines)
        assert len(durable) == runs
        asyncio.run(_verify(path, durable))


def test_a_damaged_log_costs_nothing_that_was_durable(path: Path, spawn: Spawn) -> None:
    """Garbage behind the last commit in a log that a killed process left is not taken for events."""
    durable = _killed(spawn(APPEND_FOR_EVER, path, 1, "full"), 50)
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size > 50 * 4096, "the log holds the events"
    with log.open("ab") as file:
        file.write(b"\xff" * 10_000)
    asyncio.run(_verify(path, durable))
    log.write_bytes(b"\xff" * 10_000)
    asyncio.run(_verify(path, durable))


async def _leave(path: Path, owner: str, ttl: float) -> tuple[SqliteStorage, Lease]:
    from loopengt_hookspecs.storage import RunRow

    storage = SqliteStorage(path)
    await storage.open()
    return storage, await storage.create(RunRow("run-0", "demo", "running"), owner, ttl, b"[1]", 1)


async def test_another_process_waits_for_a_living_owner(path: Path, spawn: Spawn) -> None:
    """A run that this process drives cannot be claimed by another process, which is told who drives it."""
    storage, lease = await _leave(path, current_owner(), 3600)
    child = spawn(CLAIM, path)
    assert child.stdout is not None
    answer = await asyncio.to_thread(child.stdout.readline)
    assert answer.startswith("owned: run 'run-0' is driven by process ")
    await storage.append(lease, 1, 1, b"[2]")
    await storage.close()


async def test_a_stale_owner_wakes_up_and_cannot_append(path: Path, spawn: Spawn) -> None:
    """After another process took an expired lease over, its old holder's appends are refused."""
    storage, lease = await _leave(path, current_owner(), 3600)
    for seq in range(1, 11):  # So that the quickest way is open.
        await storage.append(lease, seq, 1, b"[2]")
    await storage.renew([lease], -1)
    child = spawn(CLAIM, path)
    assert child.stdout is not None
    answer = await asyncio.to_thread(child.stdout.readline)
    assert answer.split() == ["run-0", str(lease.fence + 1), str(lease.handle)]
    with pytest.raises(LeaseLost, match=f"taken over by process {child.pid}"):
        await storage.append(lease, 11, 1, b'["late"]')
    assert (await storage.renew([lease], 60)).lost == [lease]
    with pytest.raises(RunOwned):
        await storage.claim("run-0", current_owner(), 60)
    child.kill()
    child.communicate()
    again = await storage.claim("run-0", current_owner(), 60)
    await storage.append(again, 11, 1, b"[3]")
    await storage.close()


async def test_a_lease_that_was_given_back_cannot_append(path: Path) -> None:
    """Who released a run may not append to it or renew it, though nobody took it."""
    storage, lease = await _leave(path, current_owner(), 3600)
    await storage.release(lease)
    with pytest.raises(LeaseLost, match="given back"):
        await storage.append(lease, 1, 1, b"[2]")
    renewal = await storage.renew([lease], 60)
    assert renewal.lost == []
    await storage.claim("run-0", current_owner(), 60)
    await storage.close()
