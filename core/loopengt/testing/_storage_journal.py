"""Rules for journals: what is appended is read back unchanged and in order, or refused whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from loopengt.ownership import current_owner
from loopengt.testing._storage_base import FIRST, TTL, StorageSuite, batches, row_of, rule, run_row, start
from loopengt_hookspecs.storage import Batch, LeaseLost, RunNotFound, StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage

# What a storage that parses, re-encodes or splits payloads would not give back as it was.
ODD_PAYLOADS = [
    b"[]",
    b'[{ "spaced" :  1.10 , "a":1, "a":2}]',
    '[{"text":"\u00e9\u4e16\U0001f600\u2028\u2029\x85"}]'.encode(),
    rb'[{"text":"line\nbreak, tab\t, nul\u0000, quote\" and backslash\\"}]',
    b'[{"n":' + b"9" * 400 + b"}]",
    b'[{"text":"' + b"x" * 1_000_000 + b'"}]',
]


class JournalRules(StorageSuite):
    """Rules for ``create``, ``append`` and ``read``."""

    @rule
    async def test_what_is_appended_is_read_back(self, storage: Storage, folder: Path) -> None:
        """Create, append and read return every batch with its position, in order."""
        lease = await start(storage)
        await storage.append(lease, 1, 2, b'[{"n":2},{"n":3}]')
        await storage.append(lease, 3, 1, b'[{"n":4}]')
        assert await batches(storage) == [
            Batch(1, FIRST),
            Batch(2, b'[{"n":2},{"n":3}]'),
            Batch(4, b'[{"n":4}]'),
        ]

    @rule
    async def test_payloads_are_kept_byte_for_byte(self, storage: Storage, folder: Path) -> None:
        """Payloads come back byte for byte: spaces, escapes, line separators, big numbers, a megabyte."""
        lease = await start(storage)
        for seq, payload in enumerate(ODD_PAYLOADS, start=1):
            await storage.append(lease, seq, 1, payload)
        read = [batch.payload for batch in await batches(storage)][1:]
        assert [len(payload) for payload in read] == [len(payload) for payload in ODD_PAYLOADS]
        assert read == ODD_PAYLOADS

    @rule
    async def test_the_first_batch_is_kept_byte_for_byte(self, storage: Storage, folder: Path) -> None:
        """The payload given to ``create`` comes back unchanged and counts as many events as were said."""
        payload = ODD_PAYLOADS[2]
        lease = await storage.create(run_row("run-1"), current_owner(), TTL, payload, 3)
        await storage.append(lease, 3, 1, b'[{"n":4}]')
        assert await batches(storage) == [Batch(1, payload), Batch(4, b'[{"n":4}]')]

    @rule
    async def test_reading_starts_behind_a_position(self, storage: Storage, folder: Path) -> None:
        """``read(after)`` starts with the first batch that ends behind it; past the end is empty."""
        lease = await start(storage)
        await storage.append(lease, 1, 3, b'[{"n":2},{"n":3},{"n":4}]')
        await storage.append(lease, 4, 1, b'[{"n":5}]')
        starts = [[batch.first_seq for batch in await batches(storage, after=after)] for after in range(7)]
        assert starts == [[1, 2, 5], [2, 5], [2, 5], [2, 5], [5], [], []]

    @rule
    async def test_a_reader_sees_whole_batches_of_a_growing_journal(
        self, storage: Storage, folder: Path
    ) -> None:
        """A journal that grows while it is read is still read in order, without gaps, from its beginning."""
        lease = await start(storage)
        for seq in range(1, 40):
            await storage.append(lease, seq, 1, b"[%d]" % seq)
        seen: list[int] = []
        async for batch in storage.read("run-1"):
            if not seen:
                await storage.append(lease, 40, 1, b"[40]")
            seen.append(batch.first_seq)
        assert seen[:40] == list(range(1, 41))
        assert seen[40:] in ([], [41])

    @rule
    async def test_another_position_is_refused(self, storage: Storage, folder: Path) -> None:
        """An append whose ``expected_seq`` is behind or ahead of the journal is refused, with its row."""
        lease = await start(storage)
        await storage.append(lease, 1, 2, b"[2,3]")
        for wrong in (0, 1, 2, 4, 99):
            with pytest.raises(LeaseLost):
                await storage.append(lease, wrong, 1, b'["wrong"]', run_row("run-1", status="failed"))
        assert await batches(storage) == [Batch(1, FIRST), Batch(2, b"[2,3]")]
        assert (await row_of(storage)).status == "running"
        await storage.append(lease, 3, 1, b"[4]")

    @rule
    async def test_a_run_is_created_once(self, storage: Storage, folder: Path) -> None:
        """Creating a run whose id exists is refused and leaves the first one as it was."""
        await start(storage)
        with pytest.raises(StorageError):
            await storage.create(run_row("run-1", loop_name="other"), current_owner(), TTL, b'["other"]', 1)
        assert await batches(storage) == [Batch(1, FIRST)]
        assert (await row_of(storage)).loop_name == "demo"

    @rule
    async def test_unknown_runs_are_named(self, storage: Storage, folder: Path) -> None:
        """``claim``, ``read`` and ``signal`` of a run that does not exist raise RunNotFound with its id."""
        await start(storage)
        with pytest.raises(RunNotFound, match="run-7"):
            await storage.claim("run-7", current_owner(), TTL)
        with pytest.raises(RunNotFound, match="run-7"):
            await batches(storage, "run-7")
        with pytest.raises(RunNotFound, match="run-7"):
            await storage.signal("run-7", {"type": "stop"})
        # A prefix is no id.
        with pytest.raises(RunNotFound):
            await batches(storage, "run-")

    @rule
    async def test_concurrent_appends_keep_the_order_of_each_run(
        self, storage: Storage, folder: Path
    ) -> None:
        """200 appends to 50 runs, all under way together, end up in each run in the order they were made."""
        leases = [await start(storage, f"run-{index}") for index in range(50)]
        await asyncio.gather(
            *(storage.append(lease, seq, 1, b"[%d]" % seq) for seq in range(1, 5) for lease in leases)
        )
        for lease in leases:
            journal = await batches(storage, lease.run_id)
            assert journal == [Batch(1, FIRST), *(Batch(seq + 1, b"[%d]" % seq) for seq in range(1, 5))]

    @rule
    async def test_a_cancelled_append_does_no_harm(self, storage: Storage, folder: Path) -> None:
        """An append that is cancelled has happened whole or not at all, and the run goes on from there."""
        lease = await start(storage)
        task = asyncio.ensure_future(storage.append(lease, 1, 2, b"[2,3]"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        # The bytes may still be on their way: whoever goes on finds the journal at 1 or at 3.
        try:
            await storage.append(lease, 1, 2, b'["else"]')
        except LeaseLost:
            assert await batches(storage) == [Batch(1, FIRST), Batch(2, b"[2,3]")]
        await storage.append(lease, 3, 1, b"[4]")
        assert [batch.first_seq for batch in await batches(storage)] == [1, 2, 4]

    @rule
    async def test_a_simultaneous_append_wins_alone(self, storage: Storage, folder: Path) -> None:
        """Of ten appends at one position that are under way together exactly one is taken."""
        lease = await start(storage)
        results = await asyncio.gather(
            *(storage.append(lease, 1, 1, b"[%d]" % index) for index in range(10)), return_exceptions=True
        )
        assert [type(result) for result in results if result is not None] == [LeaseLost] * 9
        assert len(await batches(storage)) == 2
