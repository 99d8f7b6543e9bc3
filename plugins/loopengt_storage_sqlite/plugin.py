"""Registers the storage ``sqlite`` and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.storage import Storage


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options ``path`` and ``durability``."""
    register("loopengt_storage_sqlite.options:SqliteOptions")


@hookimpl
def loopengt_register_storages(register: Register[Storage]) -> None:
    """Register the storage ``sqlite``."""
    register(
        "sqlite",
        "loopengt_storage_sqlite.storage:SqliteStorage",
        summary="One SQLite database in the project folder, durable at every step",
    )
