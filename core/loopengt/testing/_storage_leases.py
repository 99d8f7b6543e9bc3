"""Rules for leases and signals: one driver at a time, and whoever lost a run cannot append to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt.ownership import current_owner, describe
from loopengt.testing._storage_base import (
    ELSEWHERE,
    EXPIRED,
    FIRST,
    TTL,
    StorageSuite,
    batches,
    gone_owner,
    row_of,
    rule,
    run_row,
    start,
)
from loopengt_hookspecs.storage import Batch, LeaseLost, RunOwned

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage


class LeaseRules(StorageSuite):
    """Rules for ``claim``, ``renew``, ``release`` and ``signal``."""

    @rule
    async def test_a_living_owner_keeps_its_run(self, storage: Storage, folder: Path) -> None:
        """A run that a living process drives cannot be claimed, not even by itself; the error names it."""
        lease = await start(storage)
        for claimant in (current_owner(), ELSEWHERE, gone_owner()):
            with pytest.raises(RunOwned) as refusal:
                await storage.claim("run-1", claimant, TTL)
            assert describe(current_owner()) in str(refusal.value), "RunOwned does not name the owner"
        await storage.append(lease, 1, 1, b"[2]")

    @rule
    async def test_an_owner_elsewhere_keeps_its_run_while_the_lease_lasts(
        self, storage: Storage, folder: Path
    ) -> None:
        """An owner of whom nothing can be known holds its run until the lease runs out."""
        await start(storage, owner=ELSEWHERE)
        with pytest.raises(RunOwned):
            await storage.claim("run-1", current_owner(), TTL)
        await start(storage, "run-2", owner=ELSEWHERE, ttl=EXPIRED)
        await storage.claim("run-2", current_owner(), TTL)
        assert (await row_of(storage, "run-2")).owner == current_owner()

    @rule
    async def test_a_lost_lease_cannot_append(self, storage: Storage, folder: Path) -> None:
        """After a takeover of an expired lease its old holder cannot append, and the new one can."""
        old = await start(storage, ttl=EXPIRED)
        new = await storage.claim("run-1", current_owner(), TTL)
        assert new.fence > old.fence
        with pytest.raises(LeaseLost):
            await storage.append(old, 1, 1, b'["old"]', run_row("run-1", status="failed"), release=True)
        assert await batches(storage) == [Batch(1, FIRST)]
        assert (await row_of(storage)).owner == current_owner()
        await storage.append(new, 1, 1, b"[2]")
        assert (await row_of(storage)).status == "running"

    @rule
    async def test_an_expired_lease_still_appends_until_taken(self, storage: Storage, folder: Path) -> None:
        """Only a takeover ends the right to append: the last holder's late append and renewal count."""
        lease = await start(storage, ttl=EXPIRED)
        await storage.append(lease, 1, 1, b"[2]")
        assert (await storage.renew([lease], TTL)).lost == []
        with pytest.raises(RunOwned):
            await storage.claim("run-1", ELSEWHERE, TTL)

    @rule
    async def test_a_process_that_is_gone_is_followed_at_once(self, storage: Storage, folder: Path) -> None:
        """The run of a process that has ended is taken over although its lease has not run out."""
        old = await start(storage, owner=gone_owner())
        new = await storage.claim("run-1", current_owner(), TTL)
        with pytest.raises(LeaseLost):
            await storage.append(old, 1, 1, b'["old"]')
        await storage.append(new, 1, 1, b"[2]")
        with pytest.raises(RunOwned):
            await storage.claim("run-1", current_owner(), TTL)

    @rule
    async def test_release_frees_the_run(self, storage: Storage, folder: Path) -> None:
        """A released run has no owner and can be claimed, under a higher fence."""
        lease = await start(storage)
        await storage.release(lease)
        assert (await row_of(storage)).owner is None
        assert (await storage.claim("run-1", current_owner(), TTL)).fence > lease.fence

    @rule
    async def test_releasing_a_lost_lease_does_nothing(self, storage: Storage, folder: Path) -> None:
        """A lease that was taken over or given back is released in silence and frees nobody's run."""
        old = await start(storage, ttl=EXPIRED)
        new = await storage.claim("run-1", current_owner(), TTL)
        await storage.release(old)
        with pytest.raises(RunOwned):
            await storage.claim("run-1", current_owner(), TTL)
        await storage.release(new)
        await storage.release(new)

    @rule
    async def test_an_append_can_release(self, storage: Storage, folder: Path) -> None:
        """``append(release=True)`` appends, changes the row and frees the run in one step."""
        lease = await start(storage)
        ended = run_row("run-1", status="completed", reason="goal_met")
        await storage.append(lease, 1, 1, b"[2]", ended, release=True)
        row = await row_of(storage)
        assert (row.status, row.reason, row.owner) == ("completed", "goal_met", None)
        new = await storage.claim("run-1", current_owner(), TTL)
        await storage.append(new, 2, 1, b"[3]")
        assert [batch.payload for batch in await batches(storage)] == [FIRST, b"[2]", b"[3]"]

    @rule
    async def test_renewal_prolongs(self, storage: Storage, folder: Path) -> None:
        """A renewed lease runs until later than before, and is not reported as lost."""
        leases = [await start(storage, f"run-{index}", ttl=1.0) for index in range(3)]
        before = [(await row_of(storage, lease.run_id)).lease_until for lease in leases]
        renewal = await storage.renew(leases[:2], TTL)
        after = [(await row_of(storage, lease.run_id)).lease_until for lease in leases]
        assert (renewal.lost, renewal.signals) == ([], [])
        assert after[0] - before[0] > TTL / 2
        assert after[1] - before[1] > TTL / 2
        assert after[2] == before[2]
        assert (await storage.renew([], TTL)).lost == []

    @rule
    async def test_renewal_reports_what_is_lost(self, storage: Storage, folder: Path) -> None:
        """A renewal names exactly the leases that were taken over, and does not prolong the new owner's."""
        kept = await start(storage, "run-1")
        lost = await start(storage, "run-2", ttl=EXPIRED)
        await storage.claim("run-2", ELSEWHERE, EXPIRED)
        assert (await storage.renew([kept, lost], TTL)).lost == [lost]
        await storage.claim("run-2", current_owner(), TTL)

    @rule
    async def test_signals_are_delivered_once_and_in_order(self, storage: Storage, folder: Path) -> None:
        """A renewal delivers the signals of its runs, oldest first, each one once."""
        one, two = await start(storage, "run-1"), await start(storage, "run-2")
        notes = [{"type": "note", "n": n, "text": 'é\n"'} for n in range(5)]
        for note in notes:
            await storage.signal("run-1", note)
        await storage.signal("run-2", {"type": "stop"})
        assert (await storage.renew([one], TTL)).signals == [("run-1", note) for note in notes]
        await storage.signal("run-1", {"type": "stop", "by": {"deep": [1, None, True]}})
        assert sorted((await storage.renew([two, one], TTL)).signals) == [
            ("run-1", {"type": "stop", "by": {"deep": [1, None, True]}}),
            ("run-2", {"type": "stop"}),
        ]
        assert (await storage.renew([one, two], TTL)).signals == []

    @rule
    async def test_signals_wait_for_the_driver(self, storage: Storage, folder: Path) -> None:
        """A signal waits until the run is driven; a lost lease gets none, the one that holds gets it."""
        old = await start(storage, ttl=EXPIRED)
        await storage.signal("run-1", {"type": "stop"})
        new = await storage.claim("run-1", current_owner(), TTL)
        assert (await storage.renew([old], TTL)).signals == []
        assert (await storage.renew([new], TTL)).signals == [("run-1", {"type": "stop"})]
