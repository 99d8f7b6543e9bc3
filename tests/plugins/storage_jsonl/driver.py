"""A process of its own that does to a jsonl storage what it is told, one JSON command a line."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import structlog  # noqa: F401  Imported while this user may still read it, see ``drop_rights``.

from loopengt.ownership import current_owner
from loopengt_hookspecs.errors import LoopengtError
from loopengt_hookspecs.storage import Lease, RunRow
from loopengt_storage_jsonl.storage import JsonlStorage

TTL = 60.0


class Driver:
    """The commands; each returns something that JSON can hold."""

    def __init__(self, folder: Path) -> None:
        self.storage = JsonlStorage(folder)
        self.leases: dict[str, Lease] = {}

    async def open(self) -> None:
        """Open the storage."""
        await self.storage.open()

    async def create(self, run_id: str, ttl: float = TTL) -> None:
        """Create a run and hold its lease."""
        row = RunRow(run_id, "demo", "running", started_at=1.0)
        self.leases[run_id] = await self.storage.create(row, current_owner(), ttl, b'["driver"]', 1)

    async def claim(self, run_id: str) -> None:
        """Claim a run and hold its lease."""
        self.leases[run_id] = await self.storage.claim(run_id, current_owner(), TTL)

    async def append(self, run_id: str, seq: int, payload: str) -> None:
        """Append one event to a run that was created or claimed."""
        await self.storage.append(self.leases[run_id], seq, 1, payload.encode())

    async def append_for_ever(self, run_id: str, seq: int) -> None:
        """Append until killed, and print every position that is durable."""
        while True:
            await self.append(run_id, seq, json.dumps(["x" * (seq * 37 % 5000)]))
            seq += 1
            print(seq, flush=True)

    async def read(self, run_id: str) -> list[str]:
        """Return the payloads of a journal."""
        return [batch.payload.decode() async for batch in self.storage.read(run_id)]

    async def rows(self) -> list[str]:
        """Return the ids of all runs."""
        return [row.run_id for row in await self.storage.rows()]

    async def put_blob(self, size: int) -> str:
        """Store a blob of so many bytes."""
        return await self.storage.put_blob(b"b" * size)

    async def limit_files(self, size: int | None) -> None:
        """Let no file of this process grow beyond a size, as a full disk would; None: without limit."""
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

    async def drop_rights(self) -> None:
        """Become a user without rights; root could write anywhere."""
        if os.geteuid() == 0:
            os.setuid(65534)


async def main(folder: Path) -> None:
    """Answer every command with its result, or with the error's class and text."""
    driver = Driver(folder)
    for line in sys.stdin:
        told = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"result": await getattr(driver, told.pop("do"))(**told)}
        except LoopengtError as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
