"""The suite that every storage passes; a storage's author subclasses it in a test module.

::

    from loopengt.testing.storage import StorageContract

    class TestMyStorage(StorageContract):
        def make(self, folder):
            return MyStorage(folder)

The tests are plain pytest methods with an event loop of their own; no pytest plugin is needed.
"""

from __future__ import annotations

from loopengt.testing._storage_durable import DurabilityRules
from loopengt.testing._storage_journal import JournalRules
from loopengt.testing._storage_leases import LeaseRules
from loopengt.testing._storage_removal import RemovalRules
from loopengt.testing._storage_rows import RowRules

__all__ = ["StorageContract"]


class StorageContract(JournalRules, LeaseRules, RowRules, RemovalRules, DurabilityRules):
    """Every rule of ``loopengt_hookspecs.storage.Storage`` as a test.

    Override ``make(self, folder: Path) -> Storage``, which returns a new, unopened storage that keeps all it
    has below ``folder``; and set ``persistent = False`` when nothing outlives ``close``.
    """
