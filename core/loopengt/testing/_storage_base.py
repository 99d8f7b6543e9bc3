"""What the suites of ``StorageContract`` share: opening storages, small journals, owners dead and alive."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from loopengt_hookspecs.storage import Batch, Lease, Storage

TIMEOUT = 60.0
"""Seconds after which a hanging storage fails its test."""

TTL = 60.0
"""Seconds of a lease that does not run out during a test."""

EXPIRED = -1.0
"""A time to live that is over at once."""

FIRST = b'[{"n":1}]'

ELSEWHERE = "an owner of whom nothing can be known"
"""``is_alive`` answers None for it, as for a process of another host."""


class StorageSuite(ABC):
    """Base of the suites: how to make the storage under test."""

    persistent: bool = True
    """Whether another instance made on the same folder sees the same runs, also after ``close``."""

    @abstractmethod
    def make(self, folder: Path) -> Storage:
        """Return a new, unopened storage that keeps all it has below ``folder``, which may not exist."""

    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[Storage]:
        """Open a storage on ``folder`` and close it at the end."""
        storage = self.make(folder)
        await storage.open()
        try:
            yield storage
        finally:
            await storage.close()


Suite = TypeVar("Suite", bound=StorageSuite)


def rule(
    body: Callable[[Suite, Storage, Path], Awaitable[None]],
) -> Callable[[Suite, Path], None]:
    """Turn ``async def test_x(self, storage, folder)`` into a plain pytest method with its own event loop."""

    def test(self: Suite, tmp_path: Path) -> None:
        async def main() -> None:
            folder = tmp_path / "storage"
            async with asyncio.timeout(TIMEOUT), self.opened(folder) as storage:
                await body(self, storage, folder)

        asyncio.run(main())

    # Not functools.wraps: pytest would look through it at the arguments of the body.
    test.__name__ = getattr(body, "__name__", "test")
    test.__doc__ = body.__doc__
    return test


def run_row(run_id: str, **changes: Any) -> RunRow:
    """Return a plausible row of a run that has just started."""
    facts: dict[str, Any] = {"run_id": run_id, "loop_name": "demo", "status": "running", "started_at": 1000.0}
    return RunRow(**(facts | changes))


async def start(
    storage: Storage, run_id: str = "run-1", *, owner: str = "", ttl: float = TTL, **changes: Any
) -> Lease:
    """Create a run whose journal holds one event, driven by this process unless another owner is given."""
    return await storage.create(run_row(run_id, **changes), owner or current_owner(), ttl, FIRST, 1)


async def batches(storage: Storage, run_id: str = "run-1", after: int = 0) -> list[Batch]:
    """Return a journal as a list."""
    return [batch async for batch in storage.read(run_id, after)]


async def row_of(storage: Storage, run_id: str = "run-1") -> RunRow:
    """Return the one row of a run."""
    found = [row for row in await storage.rows(prefix=run_id) if row.run_id == run_id]
    assert len(found) == 1, f"{len(found)} rows for run {run_id!r}, not one"
    return found[0]


@lru_cache(maxsize=1)
def gone_owner() -> str:
    """Return the owner string of a process of this machine that has ended."""
    code = "from loopengt.ownership import current_owner; print(current_owner())"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()
