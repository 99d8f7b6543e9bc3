"""Registers the storage that keeps runs as files of JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.storage import Storage


@hookimpl
def loopengt_register_storages(register: Register[Storage]) -> None:
    """Register the storage ``jsonl``."""
    register(
        "jsonl",
        "loopengt_storage_jsonl.storage:JsonlStorage",
        summary="Keeps each run as one append-only file of JSON lines",
    )


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of ``[plugins.storage_jsonl]``."""
    register("loopengt_storage_jsonl.options:JsonlOptions")
