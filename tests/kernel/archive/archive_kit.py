"""A bench for archives: projects with a run that rests, archives of it, and archives that were tampered with."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.archive import Exported, Imported, archiving_engine, export_run, import_run
from loopengt.errors import ArchiveError
from loopengt.finding import find_run
from loopengt.journal import encode_batch, load_run
from loopengt.ownership import current_owner
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop
from loopengt_hookspecs.models import EndReason, Event
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt import Kernel

BIG = "x" * 100_000
"""An output that is stored as a blob."""


Found = dict[str, bytes]
Change = Callable[[Found], object]


class Place:
    """A project and its kernel."""

    def __init__(self, folder: Path, **scripts: Any) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.agent = ScriptedAgent(steps={name: [answer] for name, answer in scripts.items()})
        self.kernel: Kernel = make_kernel(folder, agents=self.agent, storage="sqlite")

    async def rest(self, run_id: str = "run-1", **fields: Any) -> None:
        """Run a loop of the steps a, b, c; the agent has no answer for what is not in its script."""
        result = await run_loop(
            self.kernel, loop_spec("a", "b", "c", **fields), in_place=False, run_id=run_id
        )
        assert result.end.reason is EndReason.FAILED
        assert result.can_resume

    async def export(self, target: Path, name: str = "run-1") -> Exported:
        """Export a run with its files."""
        async with self.kernel.storage() as storage:
            row = await find_run(storage, name)
            record = (await self.header(name))["workspace"]
            with archiving_engine(self.kernel.engine()).workspace_files(record) as (now, start):
                return await export_run(storage, row, target, project=self.folder, now=now, start=start)

    async def take_in(self, file: Path, **options: Any) -> Imported:
        """Import an archive."""
        async with self.kernel.storage() as storage:
            engine = archiving_engine(self.kernel.engine())
            return await import_run(storage, file, project=self.folder, workspaces=engine, **options)

    async def add_child(self, run_id: str, parent: str) -> None:
        """Add a run that does a step of another one, as a sub-loop is recorded."""
        async with self.kernel.storage() as storage:
            _, events = await load_run(storage, "run-1")
            header = events[0].data | {"run_id": run_id, "loop": "child"}
            header["workspace"] = header["workspace"] | {"kind": "shared", "branch": "x"}
            payload = encode_batch([Event(1, "loop.start", 5.0, None, header)])
            row = RunRow(run_id, "child", "paused", started_at=5.0, parent=parent)
            lease = await storage.create(row, current_owner(), 60, payload, 1)
            await storage.release(lease)

    async def rows(self) -> list[RunRow]:
        """Return all runs."""
        async with self.kernel.storage() as storage:
            return await storage.rows()

    async def header(self, run_id: str = "run-1") -> dict[str, Any]:
        """Return the data of a run's first event."""
        async with self.kernel.storage() as storage:
            async for batch in storage.read(run_id):
                return dict(json.loads(batch.payload)[0][4])
        return {}

    def workspace(self, run_id: str = "run-1") -> Path:
        """Return where the workspace of a run lies."""
        return self.folder / ".loopengt" / "workspaces" / run_id

    async def is_untouched(self) -> bool:
        """Whether no import has left anything."""
        folder = self.folder / ".loopengt" / "workspaces"
        return not await self.rows() and not (folder.exists() and any(folder.iterdir()))


def members(file: Path) -> dict[str, bytes]:
    """Return the content of every member of an archive."""
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def rebuild(
    file: Path,
    change: Callable[[dict[str, bytes]], object],
    manifest: Callable[[dict[str, Any]], object] = id,
) -> None:
    """Change the members of an archive and give each its right checksum again; then change its manifest."""
    found = members(file)
    told = json.loads(found.pop("manifest.json"))
    change(found)
    told["members"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in found.items()
    }
    manifest(told)
    pack(file, found | {"manifest.json": json.dumps(told).encode()})


def pack(file: Path, found: Mapping[str, bytes]) -> None:
    """Write an archive of these members."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in found.items():
            opened.writestr(name, data)


def edit_files(found: dict[str, bytes], change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the list of the workspace's files."""
    trees = json.loads(found["workspace.json"])
    change(trees["now"])
    found["workspace.json"] = json.dumps(trees).encode()


def put_file(found: dict[str, bytes], content: bytes) -> str:
    """Add the content of a file, and return its digest."""
    digest = hashlib.sha256(content).hexdigest()
    found[f"files/{digest}"] = content
    return digest


def edit_journal(found: dict[str, bytes], change: Callable[[list[Any]], object]) -> None:
    """Change the events of the first journal."""
    events = [event for line in found["runs/0.jsonl"].splitlines() for event in json.loads(line)]
    change(events)
    found["runs/0.jsonl"] = json.dumps(events).encode() + b"\n"


async def refused(there: Place, file: Path, why: str, **options: Any) -> None:
    """Show that an archive is refused, by whom it should be, and leaves nothing here or around."""
    around = sorted(path for path in there.folder.parent.iterdir())
    with pytest.raises(ArchiveError, match=why):
        await there.take_in(file, **options)
    assert await there.is_untouched()
    assert sorted(path for path in there.folder.parent.iterdir()) == around


def add_entry(path: str, kind: str = "file", content: str | None = None) -> Change:
    """Return a change that adds a file or link to the workspace."""

    def change(found: Found) -> None:
        told = put_file(found, b"evil") if content is None else content
        edit_files(found, lambda files: files.append({"path": path, "kind": kind, "content": told}))

    return change
