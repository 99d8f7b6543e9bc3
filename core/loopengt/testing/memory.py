"""The suite that every memory store passes; a store's author subclasses it in a test module.

::

    from loopengt.testing.memory import MemoryContract

    class TestMyStore(MemoryContract):
        def make(self, folder):
            return MyStore(folder)

The tests are plain pytest methods with an event loop of their own; no pytest plugin is needed.
"""

from __future__ import annotations

from loopengt.testing._memory_base import MemorySuite
from loopengt.testing._memory_finding import FindingRules
from loopengt.testing._memory_keeping import KeepingRules
from loopengt.testing._memory_texts import TextRules

__all__ = ["MemoryContract", "MemorySuite"]


class MemoryContract(KeepingRules, FindingRules, TextRules):
    """Every rule of ``loopengt_hookspecs.memory`` as a test.

    Override ``make(self, folder: Path) -> MemoryStore``, which returns a new store without an embedder that keeps all
    it has below ``folder``; and set ``persistent = False`` when nothing outlives ``close``.
    """
