"""Registers the storage that keeps runs in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.storage import Storage


@hookimpl
def loopengt_register_storages(register: Register[Storage]) -> None:
    """Register the storage ``memory``."""
    register(
        "memory",
        "loopengt_storage_memory.storage:MemoryStorage",
        summary="Keeps runs in memory, gone when the process ends",
    )
