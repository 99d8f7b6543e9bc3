"""Disks that are full, places that may not be written, and journals larger than memory should hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from loopengt_hookspecs.storage import RunRow
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    from pathlib import Path

Spawn = Callable[..., "subprocess.Popen[str]"]

# Runs in a mount namespace of its own, on a disk of one megabyte.
FILL_THE_DISK = """
import asyncio, json, sys
from pathlib import Path
from loopengt_hookspecs.storage import RunRow, StorageFull
from loopengt_storage_sqlite.storage import SqliteStorage

def fill(ballast):
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass

async def main(folder):
    folder = Path(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(300_000))
    storage = SqliteStorage(folder / "loopengt.db")
    await storage.open()
    lease = await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[0]", 1)
    payload = b'["' + b"x" * 10_000 + b'"]'
    seq, refusals, blob = 1, 0, None
    for _ in range(500):
        try:
            await storage.append(lease, seq, 1, payload)
        except StorageFull as error:
            said, refusals = str(error), refusals + 1
            if refusals == 3:
                break
        else:
            seq += 1
    full_at = seq
    try:
        await storage.put_blob(bytes(20_000_000))
    except StorageFull:
        blob = "refused"
    await storage.close()
    await storage.open()
    read_when_full = len([batch async for batch in storage.read("run-1")])
    ballast.unlink()
    await storage.append(lease, seq, 1, b'["again"]')
    read = [batch.payload async for batch in storage.read("run-1")]
    fill(ballast)
    await storage.close()
    await storage.open()
    reopened = [batch.payload async for batch in storage.read("run-1")]
    findings = await storage.check()
    await storage.close()
    print(json.dumps({
        "said": said, "refusals": refusals, "full_at": full_at, "blob": blob,
        "read_when_full": read_when_full, "findings": findings,
        "sound": read == reopened == [b"[0]", *[payload] * (full_at - 1), b'["again"]'],
    }))

asyncio.run(main(*sys.argv[1:]))
"""

# Gives up root's rights, which no permission binds, once everything it needs is imported.
WITHOUT_RIGHTS = """
import asyncio, json, os, sys, tempfile
from pathlib import Path
from loopengt_hookspecs.storage import RunRow, StorageError
from loopengt_storage_sqlite.storage import SqliteStorage

async def attempt(work):
    try:
        return await work
    except StorageError as error:
        return f"{type(error).__name__}: {error}"

async def warm_up():
    with tempfile.TemporaryDirectory() as folder:
        storage = SqliteStorage(Path(folder, "x.db"))
        await storage.open()
        await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[0]", 1)
        [batch async for batch in storage.read("run-1")]
        await storage.close()

async def main(path):
    storage = SqliteStorage(Path(path))
    report = {"open": await attempt(storage.open())}
    if report["open"] is None:
        report["rows"] = [row.run_id for row in await storage.rows()]
        report["read"] = len([batch async for batch in storage.read("run-1")])
        report["create"] = await attempt(storage.create(RunRow("run-2", "demo", "x"), "owner", 60, b"[0]", 1))
        report["findings"] = await storage.check()
        await storage.close()
    print(json.dumps(report))

asyncio.run(warm_up())
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
asyncio.run(main(*sys.argv[1:]))
"""


def _may_mount() -> bool:
    mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(mount, capture_output=True).returncode == 0


def test_a_full_disk_loses_nothing(spawn: Spawn, tmp_path: Path) -> None:
    """On a full disk appends are refused whole; close, open and read work; so do appends with new space."""
    if not _may_mount():
        pytest.skip("mounting a small disk needs root and util-linux")
    script = f"mount -t tmpfs -o size=1m tmpfs '{tmp_path}' && exec \"$@\""
    child = spawn(FILL_THE_DISK, tmp_path, wrapper=("unshare", "--mount", "sh", "-c", script, "sh"))
    output, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, "")
    report = json.loads(output)
    assert "no space is left" in report["said"]
    assert "resume" in report["said"]
    assert report["refusals"] == 3
    assert report["blob"] == "refused"
    assert report["full_at"] > 5
    assert report["read_when_full"] == report["full_at"]
    assert report["sound"], report
    assert report["findings"] == []


def _report(spawn: Spawn, path: Path) -> dict[str, object]:
    child = spawn(WITHOUT_RIGHTS, path)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    report: dict[str, object] = json.loads(output)
    return report


async def _fill(path: Path) -> SqliteStorage:
    storage = SqliteStorage(path)
    await storage.open()
    lease = await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[0]", 1)
    await storage.append(lease, 1, 1, b"[1]")
    return storage


def _forbid(folder: Path) -> None:
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)


def test_a_place_that_may_not_be_written(spawn: Spawn, open_folder: Path) -> None:
    """A database that cannot be made is refused as read-only, with what to type; its folder likewise."""
    open_folder.chmod(0o555)
    for path in (open_folder / "loopengt.db", open_folder / ".loopengt" / "loopengt.db"):
        said = str(_report(spawn, path)["open"])
        assert said.startswith("StorageReadOnly: ")
        assert "may not be written by this user" in said
        assert "chmod u+w" in said
    assert list(open_folder.iterdir()) == []


@pytest.mark.parametrize("state", ["closed", "in use", "left by a crash"])
async def test_what_may_not_be_written_can_be_read(spawn: Spawn, open_folder: Path, state: str) -> None:
    """In a read-only folder a database serves reads, whatever its log holds, and refuses writes."""
    path = open_folder / "loopengt.db"
    storage = await _fill(path)
    if state == "left by a crash":
        copies = {file.name: file.read_bytes() for file in open_folder.iterdir()}
        assert copies["loopengt.db-wal"]
    if state != "in use":
        await storage.close()
    if state == "left by a crash":
        for name, content in copies.items():
            (open_folder / name).write_bytes(content)
    _forbid(open_folder)
    report = _report(spawn, path)
    assert report["open"] is None
    assert (report["rows"], report["read"], report["findings"]) == (["run-1"], 2, [])
    assert str(report["create"]).startswith("StorageReadOnly: ")
    await storage.close()


async def test_durable_events_are_not_hidden(spawn: Spawn, open_folder: Path) -> None:
    """A log whose events cannot be read without writing is an error, not a shorter journal."""
    path = open_folder / "loopengt.db"
    storage = await _fill(path)
    copies = {file.name: file.read_bytes() for file in open_folder.iterdir()}
    await storage.close()
    for name in ("loopengt.db", "loopengt.db-wal"):
        (open_folder / name).write_bytes(copies[name])
    _forbid(open_folder)
    assert str(_report(spawn, path)["open"]).startswith("StorageReadOnly: ")


async def test_a_file_that_may_not_be_written(spawn: Spawn, open_folder: Path) -> None:
    """A database file without write permission in a writable folder serves reads and refuses writes."""
    path = open_folder / "loopengt.db"
    await (await _fill(path)).close()
    path.chmod(0o444)
    open_folder.chmod(0o777)
    report = _report(spawn, path)
    assert (report["open"], report["rows"], report["read"]) == (None, ["run-1"], 2)
    assert str(report["create"]).startswith("StorageReadOnly: ")


async def test_reading_a_large_journal_takes_little_memory(path: Path) -> None:
    """A journal of 64 MB is read a part at a time: never more than a few megabytes of it are in memory."""
    storage = SqliteStorage(path, durability="normal")
    await storage.open()
    lease = await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[0]", 1)
    payload = b'["' + os.urandom(32 * 1024).hex().encode() + b'"]'
    for seq in range(1, 1001):
        await storage.append(lease, seq, 1, payload)
    tracemalloc.start()
    size = 0
    async for batch in storage.read("run-1"):
        size += len(batch.payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await storage.close()
    assert size > 64_000_000
    assert peak < 8_000_000
