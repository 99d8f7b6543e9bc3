"""Journals as they may leave the project: without secrets, also those that were none when they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.redaction import Redactor
from loopengt_hookspecs.errors import StorageError
from loopengt_hookspecs.storage import Batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Any, Protocol

    from loopengt_hookspecs.storage import Storage

    class Project(Protocol):
        """A kernel."""

        environ: Mapping[str, str]

        def setting(self, section: str, key: str) -> Any:
            """Return a setting of config.toml."""


__all__ = ["LeavingJournals", "leaving_redactor"]

_TOGETHER_BYTES = 1_000_000
"""Batches are searched through together, since it costs little more than a single one."""


def leaving_redactor(kernel: Project) -> Redactor:
    """Return the redactor for what is shown or sent of a project's runs.

    Raises:
        ConfigError: The settings are not usable.
    """
    return Redactor.of_project(kernel, kernel.environ, leaving=True)


class LeavingJournals:
    """Journals and blobs of a storage, without secrets; ``read_events`` takes it in place of the storage.

    Args:
        storage: Where they lie.
        redactor: As ``leaving_redactor`` returns it.
    """

    def __init__(self, storage: Storage, redactor: Redactor) -> None:
        self._storage = storage
        self._redactor = redactor

    async def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Iterate over a journal as ``Storage.read`` does."""
        if not self._redactor.active:
            async for each in self._storage.read(run_id, after):
                yield each
            return
        held: list[Batch] = []
        size = 0
        failed: StorageError | None = None
        batches = self._storage.read(run_id, after)
        while True:
            batch: Batch | None = None
            try:
                batch = await anext(batches)
            except StopAsyncIteration:
                pass
            except StorageError as exc:  # what comes before it can be shown
                failed = exc
            if batch is not None:
                held.append(batch)
                size += len(batch.payload)
            if batch is None or size > _TOGETHER_BYTES:
                for cleaned in self._cleaned(held):
                    yield cleaned
                held, size = [], 0
            if failed is not None:
                raise failed
            if batch is None:
                return

    async def get_blob(self, digest: str) -> bytes:
        """Return the bytes of a digest as ``Storage.get_blob`` does; they do not match it where a secret was."""
        return self._redactor.encoded(await self._storage.get_blob(digest))

    def _cleaned(self, batches: list[Batch]) -> list[Batch]:
        payloads = self._redactor.all_encoded([batch.payload for batch in batches])
        return [Batch(batch.first_seq, payload) for batch, payload in zip(batches, payloads, strict=True)]
