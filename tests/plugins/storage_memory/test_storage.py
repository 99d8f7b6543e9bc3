"""What is particular to the memory storage."""

from __future__ import annotations

from pkgutil import resolve_name
from unittest.mock import Mock

import pytest

from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import LeaseLost, RunRow
from loopengt_storage_memory import plugin
from loopengt_storage_memory.storage import MemoryStorage


def test_the_plugin_registers_what_exists() -> None:
    """The reference that the plugin registers leads to the storage."""
    register = Mock()
    plugin.loopengt_register_storages(register)
    (name, storage), told = register.call_args
    assert name == "memory"
    assert resolve_name(storage) is MemoryStorage
    assert told["summary"]


def test_no_method_ever_waits() -> None:
    """A step's calls finish without giving way to the event loop, so that a run in memory costs no switch."""
    storage = MemoryStorage()
    row = RunRow("run-1", "demo", "running")

    async def work() -> None:
        await storage.open()
        lease = await storage.create(row, current_owner(), 60.0, b"[1]", 1)
        await storage.append(lease, 1, 1, b"[2]", row)
        await storage.renew([lease], 60.0)
        await storage.append(lease, 2, 1, b"[3]", release=True)
        await storage.claim("run-1", current_owner(), 60.0)

    # Without an event loop: the first thing that waited would be yielded here.
    with pytest.raises(StopIteration):
        work().send(None)


async def test_an_append_after_release_is_refused() -> None:
    """Whoever has given a run back cannot append to it, although nobody else has taken it."""
    storage = MemoryStorage()
    lease = await storage.create(RunRow("run-1", "demo", "running"), current_owner(), 60.0, b"[1]", 1)
    await storage.release(lease)
    with pytest.raises(LeaseLost, match="given back"):
        await storage.append(lease, 1, 1, b"[2]")
    assert (await storage.renew([lease], 60.0)).lost == [lease]
