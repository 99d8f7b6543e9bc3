"""Reading journals: in order, from any place, with gaps and losses noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt import RunNotFound, StorageCorrupt
from loopengt.journal import BLOB_LIMIT, Fold, Journal, encode_batch, load_run, read_events
from loopengt.ownership import current_owner
from loopengt_hookspecs.models import Event
from loopengt_hookspecs.storage import Batch, Lease, RunRow
from loopengt_storage_memory.storage import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEADER = {"run_id": "r", "loop": "demo", "steps": ["a"]}


class Kept:
    """A storage that holds the given batches and nothing else."""

    def __init__(self, *batches: tuple[int, bytes]) -> None:
        self._batches = batches

    async def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Yield all of them."""
        for batch in self._batches:
            yield Batch(*batch)


def batch(first: int, count: int = 1) -> tuple[int, bytes]:
    """A batch of events without meaning."""
    return first, encode_batch([Event(seq, "custom", 1.0, None, {}) for seq in range(first, first + count)])


async def seqs(storage: Any, after: int = 0) -> list[int]:
    """Positions of the events that are read."""
    return [event.seq async for events in read_events(storage, "r", after=after) for event in events]


async def written(count: int) -> MemoryStorage:
    """A run of so many batches, of two events each."""
    storage = MemoryStorage()
    journal = Journal(storage, Fold())
    journal.note("loop.start", None, HEADER)
    await journal.create(RunRow("r", "demo", "running"), current_owner(), 60.0)
    for _ in range(count):
        journal.note("custom", None, {})
        journal.note("custom", None, {})
        await journal.commit()
    return storage


async def test_events_come_in_order_from_any_place() -> None:
    """All events behind a position are read, also when it lies within a batch."""
    storage = await written(5)
    for after in range(12):
        assert await seqs(storage, after) == list(range(after + 1, 12))


@pytest.mark.parametrize(
    "batches",
    [
        [batch(1), batch(3)],
        [batch(1, 3), batch(2)],
        [batch(2)],
        [batch(1), batch(2), batch(2)],
    ],
)
async def test_a_gap_is_damage(batches: list[tuple[int, bytes]]) -> None:
    """A journal that lacks events, or holds some twice, is not read on, the first position included."""
    with pytest.raises(StorageCorrupt, match="gap"):
        await seqs(Kept(*batches))


async def test_what_comes_before_the_damage_is_read() -> None:
    """Batches before a damaged one are yielded."""
    reading = read_events(Kept(batch(1), batch(2), (3, b"[garbage")), "r")
    assert [event.seq for event in await anext(reading)] == [1]
    assert [event.seq for event in await anext(reading)] == [2]
    with pytest.raises(StorageCorrupt):
        await anext(reading)


async def test_an_unknown_run_is_not_found() -> None:
    """A run that the storage does not hold is an error, not an empty journal."""
    with pytest.raises(RunNotFound):
        await seqs(MemoryStorage())


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("agent.invoke", "prompt"),
        ("agent.response", "output"),
        ("gate.fail", "feedback"),
        ("step.retry", "feedback"),
    ],
)
async def test_large_values_are_put_back_in_place(kind: str, key: str) -> None:
    """A value from the limit on is a blob in the storage, and whole for those who read and watch."""
    storage = await written(0)
    seen: list[Event] = []
    journal = Journal(storage, (await load_run(storage, "r"))[0], publish=seen.append)
    journal.take_up(await renewed(storage))
    large = "ü" * (BLOB_LIMIT // 2)
    start = {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "w"}
    journal.note("step.start", "a", start)
    for value in (large[:-2], large):
        await journal.note_large(kind, "a", {"attempt": 1, "gate": "g", key: value, "delay": 0}, key)
    await journal.commit()
    raw = [event async for events in read_events(storage, "r", blobs=False) for event in events][-2:]
    assert [key in event.data for event in raw] == [True, False]
    assert raw[1].data[f"{key}_size"] == BLOB_LIMIT + 2
    whole = (await load_run(storage, "r"))[1][-2:]
    assert [event.data[key] for event in whole] == [large[:-2], large]
    assert [event.data[key] for event in seen[-2:]] == [large[:-2], large]


async def renewed(storage: MemoryStorage) -> Any:
    """The run's lease, taken anew."""
    await storage.release(Lease("r", 1))
    return await storage.claim("r", current_owner(), 60.0)


async def test_an_agents_own_event_is_not_taken_for_a_blob() -> None:
    """Keys that look like ours in another event are left alone."""
    storage = await written(0)
    journal = Journal(storage, (await load_run(storage, "r"))[0])
    journal.take_up(await renewed(storage))
    journal.note("custom", "a", {"output_blob": "0" * 64})
    await journal.commit()
    assert (await load_run(storage, "r"))[1][-1].data == {"output_blob": "0" * 64}
