"""Extension point: storage, the append-only home of journals, with leases, signals and blobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from loopengt_hookspecs._markers import hookspec
from loopengt_hookspecs.errors import (
    LeaseLost,
    RunNotFound,
    RunOwned,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageReadOnly,
    StorageTooNew,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from loopengt_hookspecs.registration import Register

__all__ = [
    "Batch",
    "Lease",
    "LeaseLost",
    "Renewal",
    "RunNotFound",
    "RunOwned",
    "RunRow",
    "Storage",
    "StorageCorrupt",
    "StorageError",
    "StorageFull",
    "StorageReadOnly",
    "StorageTooNew",
    "loopengt_register_storages",
]


class Lease(NamedTuple):
    """The right to append to one run."""

    run_id: str
    fence: int
    """Grows by one whenever the run changes hands; an append under an older fence is refused."""
    handle: int = 0
    """The storage's own number for the run."""


class Batch(NamedTuple):
    """Events that were appended together."""

    first_seq: int
    """Position of the first of them in the journal, from 1."""
    payload: bytes
    """The bytes as they were given to ``append``."""


@dataclass(slots=True)
class RunRow:
    """A run's line in listings. It repeats facts of the journal, written in the same transaction."""

    run_id: str
    loop_name: str
    status: str
    reason: str | None = None
    detail: str = ""
    turn: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    started_at: float = 0.0
    """Seconds since the epoch."""
    completed_at: float | None = None
    owner: str | None = None
    """Who drives the run now; None: nobody."""
    lease_until: float = 0.0
    """When the owner's lease runs out, in seconds since the epoch."""
    parent: str | None = None
    """The run of which it does a step; None: it stands by itself. Never changes."""


@dataclass(slots=True)
class Renewal:
    """What a renewal of leases found."""

    lost: list[Lease] = field(default_factory=list)
    """Leases that were taken over by others."""
    signals: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Signals sent to the renewed runs, oldest first, as (run_id, signal); each is delivered once."""


class Storage(Protocol):
    """Keeps runs. Every method may be called concurrently from one event loop.

    The rules, which ``loopengt.testing.StorageContract`` checks:

    - an ``append`` that has returned survives a crash of the process, and is never reordered;
    - an ``append`` is refused (``LeaseLost``) when the lease's fence is not the run's current one or when
      ``expected_seq`` is not the last position of the journal, in one atomic step with the writing;
    - what was durable stays readable when later writes fail.
    """

    async def open(self) -> None:
        """Make the storage ready; creates or migrates it when due.

        Raises:
            StorageTooNew: It was written by a newer version.
            StorageCorrupt: It is damaged.
            StorageReadOnly: It cannot be created.
        """

    async def close(self) -> None:
        """Finish what was accepted, then let go. Idempotent."""

    async def create(self, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
        """Add a run with its first ``count`` events and lease it to ``owner`` for ``ttl`` seconds.

        Raises:
            StorageError: A run of that id exists.
        """

    async def claim(self, run_id: str, owner: str, ttl: float) -> Lease:
        """Lease an existing run that nobody drives.

        A lease is free when none is held, when it has run out, or when its owner is a process of this
        machine that is gone (``loopengt.ownership.is_alive``).

        Raises:
            RunNotFound: There is no such run.
            RunOwned: A living owner holds the lease.
        """

    async def renew(self, leases: Sequence[Lease], ttl: float) -> Renewal:
        """Prolong leases and collect the signals of their runs."""

    async def release(self, lease: Lease) -> None:
        """Give a lease back. Does nothing when it is already lost."""

    async def append(
        self,
        lease: Lease,
        expected_seq: int,
        count: int,
        payload: bytes,
        row: RunRow | None = None,
        *,
        release: bool = False,
    ) -> None:
        """Append ``count`` events after position ``expected_seq``; returns when they are durable.

        Args:
            lease: The right to do so.
            expected_seq: Position of the last event that the journal holds now.
            count: How many events the payload holds, at least 1.
            payload: One JSON array of events, without line breaks.
            row: The run's new line in listings, when it changes; its owner fields are ignored.
            release: Give the lease back in the same step.

        Raises:
            LeaseLost: The run was taken over, or the journal has moved on.
            StorageFull, StorageReadOnly, StorageCorrupt: As they say; nothing was appended.
        """

    def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Iterate over a journal from the first batch that ends behind position ``after``.

        Raises:
            RunNotFound: There is no such run.
        """

    async def rows(
        self,
        *,
        prefix: str = "",
        status: str | None = None,
        loop_name: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Return runs, newest first.

        Args:
            prefix: Only runs whose id starts with it.
            status: Only runs of that status.
            loop_name: Only runs of that loop.
            limit: At most so many; None: all.
        """

    async def signal(self, run_id: str, signal: dict[str, Any]) -> None:
        """Leave a signal, such as ``{"type": "stop"}``, for whoever drives the run. Needs no lease.

        Raises:
            RunNotFound: There is no such run.
        """

    async def put_blob(self, data: bytes) -> str:
        """Store bytes under the hex SHA-256 digest of their content and return it. Idempotent."""

    async def get_blob(self, digest: str) -> bytes:
        """Return the bytes of a digest.

        Raises:
            StorageError: There are none, or they do not match the digest.
        """

    async def delete(self, lease: Lease) -> None:
        """Remove a run with its journal and signals; its blobs stay until ``prune_blobs``. The lease is gone with it.

        Raises:
            LeaseLost: The run was taken over.
        """

    async def prune_blobs(self, keep: Collection[str], older_than: float, *, dry_run: bool = False) -> int:
        """Remove blobs that nobody refers to, and return how many bytes they had.

        Args:
            keep: Digests to keep.
            older_than: Only blobs stored longer ago than so many seconds: a younger one may belong to an event that is
                not written yet. Storing a blob again makes it young.
            dry_run: Remove nothing, only count.
        """

    async def compact(self) -> int:
        """Give space that deleted runs and blobs have left back to the disk, and return how many bytes.

        Called when nobody drives a run; it may keep others waiting. A storage that has nothing to do returns 0.
        """

    async def check(self) -> list[str]:
        """Look for damage and return one sentence for each finding; empty when sound."""

    def describe(self) -> str:
        """Say in one line what and where the storage is."""


@hookspec
def loopengt_register_storages(register: Register[Storage]) -> None:
    """Register storages.

    Called once when the plugin is loaded. The one named in ``[storage] name`` of config.toml is used, default
    ``sqlite``.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Storage``, usually a class with
            ``from_context``, since most need the project folder.

    Raises:
        PluginError: Another plugin registers a storage of the same name.

    Since: 0.2
    """
