"""Looks for damage in the files of runs and in blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.storage import StorageCorrupt, StorageError
from loopengt_storage_jsonl.files import locked
from loopengt_storage_jsonl.state import RunState

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_storage_jsonl.blobs import BlobFiles
    from loopengt_storage_jsonl.runs import RunFiles

__all__ = ["check_blob", "check_journal"]


def check_journal(path: Path, runs: RunFiles) -> list[str]:
    """Read a run's file from its first line and return what is wrong with it."""
    state = RunState()
    try:
        with locked(path, write=False):  # So that a line which is being written does not look torn.
            torn = state.catch_up(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror}."]
    except StorageCorrupt as error:
        return [error.message]
    if torn:
        return [f"{path} ends in {torn} bytes of a torn line; they are removed when the run goes on."]
    if state.lines and runs.path(state.row.run_id) != path:
        return [f"{path} holds run {state.row.run_id}, which belongs in {runs.path(state.row.run_id).name}."]
    return []


def check_blob(blobs: BlobFiles, digest: str) -> list[str]:
    """Return what is wrong with a blob."""
    try:
        blobs.get(digest)
    except StorageError as error:
        return [error.message]
    except OSError as error:
        return [f"Blob {digest} cannot be read: {error.strerror}."]
    return []
