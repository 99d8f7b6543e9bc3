"""Copies of journals: exact, in parts, in bounded memory, and to be completed when they were cut short."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import RunNotFound, StorageFull
from loopengt.journal import Fold, Journal, read_events
from loopengt.journal.copying import CHUNK_BYTES, complete_copy, copy_journal, events_upto
from loopengt.journal.writer import BLOB_LIMIT
from loopengt_hookspecs.models import Event
from loopengt_hookspecs.storage import RunRow
from loopengt_storage_memory.storage import MemoryStorage
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage

OWNER, TTL = "tests", 60.0


def row(run_id: str) -> RunRow:
    """Make the line of a run."""
    return RunRow(run_id, "demo", "running")


async def write(storage: Storage, run_id: str, batches: int, size: int = 20, each: int = 4) -> None:
    """Write a journal of so many batches."""
    journal = Journal(storage, Fold(history=False), clock=lambda: 5.0)
    header = {"run_id": run_id, "loop": "demo", "steps": ["a"], "context": {}}
    journal.note("loop.start", None, header)
    await journal.create(row(run_id), OWNER, TTL)
    for number in range(batches):
        for _ in range(each):
            journal.note("custom", None, {"number": number, "text": "x" * size})
        await journal.commit()
    assert journal.lease is not None
    await storage.release(journal.lease)


async def events_of(storage: Storage, run_id: str, **options: Any) -> list[Event]:
    """Read a whole journal."""
    return [event async for events in read_events(storage, run_id, **options) for event in events]


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    """A database."""
    made = SqliteStorage(tmp_path / "runs.db", durability="normal")
    await made.open()
    yield made
    await made.close()


@pytest.mark.parametrize("upto", [1, 2, 7, 8, 9, 41])
async def test_a_copy_has_the_events_up_to_the_place(storage: Storage, upto: int) -> None:
    """Also in the midst of a batch; what comes after is left out, and the lease is good for going on."""
    await write(storage, "source", 10)
    lease = await copy_journal(storage, "source", upto, row("copy"), OWNER, TTL)
    assert await events_of(storage, "copy") == (await events_of(storage, "source"))[:upto]
    more = Event(upto + 1, "custom", 6.0, None, {})
    journal = Journal(storage, Fold(history=False))
    journal.fold.seq = upto
    journal.take_up(lease)
    journal.note(more.type, more.step, more.data)
    await journal.commit()
    assert len(await events_of(storage, "copy")) == upto + 1


async def test_events_are_changed_on_the_way(storage: Storage) -> None:
    """The change sees each event once, in order, and keeps positions."""
    await write(storage, "source", 3)
    seen: list[int] = []

    def change(event: Event) -> Event:
        seen.append(event.seq)
        return event._replace(data={"was": event.type})

    await copy_journal(storage, "source", 6, row("copy"), OWNER, TTL, change=change)
    assert seen == [1, 2, 3, 4, 5, 6]
    copied = await events_of(storage, "copy")
    assert [event.data["was"] for event in copied] == ["loop.start", *["custom"] * 5]


async def test_a_copy_can_go_to_another_storage(storage: Storage) -> None:
    """The events arrive as they are; blobs are the caller's matter there."""
    await write(storage, "source", 3)
    other = MemoryStorage()
    await copy_journal(storage, "source", 5, row("copy"), OWNER, TTL, into=other)
    assert await events_of(other, "copy") == (await events_of(storage, "source"))[:5]
    with pytest.raises(RunNotFound):
        await events_of(storage, "copy")


async def test_blobs_are_shared() -> None:
    """A copy of a journal with large outputs stores none of them again, and shows them all."""
    storage = MemoryStorage()
    put: list[int] = []
    stored = storage.put_blob

    async def put_blob(data: bytes) -> str:
        put.append(len(data))
        return await stored(data)

    storage.put_blob = put_blob  # type: ignore[method-assign]
    journal = Journal(storage, Fold(history=False))
    journal.note("loop.start", None, {"run_id": "source", "loop": "demo", "steps": ["a"]})
    await journal.create(row("source"), OWNER, TTL)
    for number in range(3):
        start = {"turn": number + 1, "occurrence": number + 1, "attempt": 1, "agent": "worker"}
        journal.note("step.start", "a", start)
        data = {"attempt": 1, "output": f"{number}" * BLOB_LIMIT}
        await journal.note_large("agent.response", "a", data, "output")
        journal.note("step.complete", "a", start)
        await journal.commit()
    assert len(put) == 3
    await copy_journal(storage, "source", 10, row("copy"), OWNER, TTL)
    assert len(put) == 3
    assert await events_of(storage, "copy") == await events_of(storage, "source")
    payloads = [len(batch.payload) async for batch in storage.read("copy")]
    assert sum(payloads) < 3000


class Failing:
    """A storage that takes so many appends and no more."""

    def __init__(self, inner: Storage, appends: int) -> None:
        self.inner = inner
        self.left = appends

    async def append(self, *args: Any, **kwargs: Any) -> None:
        """Append while that is possible."""
        if not self.left:
            raise StorageFull("no space left")
        self.left -= 1
        await self.inner.append(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize("appends", [0, 1, 3])
async def test_a_copy_that_was_cut_short_can_be_completed(storage: Storage, appends: int) -> None:
    """What is there is a beginning of the whole; completing it, also twice, makes it the whole."""
    await write(storage, "source", 50, size=CHUNK_BYTES // 40)
    whole = await events_of(storage, "source")
    upto = len(whole) - 3
    with pytest.raises(StorageFull):
        await copy_journal(Failing(storage, appends), "source", upto, row("copy"), OWNER, 0.0)  # type: ignore[arg-type]
    part = await events_of(storage, "copy")
    assert 0 < len(part) < upto
    assert part == whole[: len(part)]
    (line,) = await storage.rows(prefix="copy")
    assert line.owner == OWNER
    lease = await storage.claim("copy", OWNER, TTL)
    await complete_copy(storage, "source", upto, lease)
    await complete_copy(storage, "source", upto, lease)
    assert await events_of(storage, "copy") == whole[:upto]


async def test_a_long_journal_is_copied_in_bounded_memory(storage: Storage) -> None:
    """100,000 events (some 12 MB) take a few megabytes on the way, and arrive in a few parts."""
    await write(storage, "source", 1000, size=60, each=100)
    tracemalloc.start()
    try:
        await copy_journal(storage, "source", 100_001, row("copy"), OWNER, TTL)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    parts = [len(batch.payload) async for batch in storage.read("copy")]
    assert sum(parts) > 10_000_000
    assert max(parts) < 2 * CHUNK_BYTES
    assert len(parts) < 30
    assert peak < 12_000_000
    last = 0
    async for events in read_events(storage, "copy"):
        assert events[0].seq == last + 1
        last = events[-1].seq
    assert last == 100_001


async def test_nothing_is_made_of_a_run_that_is_not_there(storage: Storage) -> None:
    """An unknown source is said, and no run comes into being."""
    with pytest.raises(RunNotFound):
        await copy_journal(storage, "nobody", 1, row("copy"), OWNER, TTL)
    assert await storage.rows() == []


async def test_a_part_of_a_journal_can_be_read(storage: Storage) -> None:
    """From behind one position up to another."""
    await write(storage, "source", 3)
    whole = await events_of(storage, "source")
    found = [event async for events in events_upto(storage, "source", 9, after=4) for event in events]
    assert found == whole[4:9]
    assert [1 async for _ in events_upto(storage, "source", 4, after=4)] == []
