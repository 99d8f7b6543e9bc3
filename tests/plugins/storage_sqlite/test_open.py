"""What ``open`` makes, accepts and refuses."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest

from loopengt_hookspecs.storage import Batch, RunRow, StorageCorrupt, StorageError, StorageTooNew
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

START_TOGETHER = """
import asyncio, sys
from pathlib import Path
from loopengt_hookspecs.storage import RunRow
from loopengt_storage_sqlite.storage import SqliteStorage

async def main(path, run_id):
    storage = SqliteStorage(Path(path))
    print("ready", flush=True)
    sys.stdin.readline()
    await storage.open()
    lease = await storage.create(RunRow(run_id, "demo", "running"), "owner", 60, b"[1]", 1)
    for seq in range(1, 21):
        await storage.append(lease, seq, 1, b"[%d]" % seq)
    await storage.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_project_gets_its_folder(tmp_path: Path) -> None:
    """The first opening makes the project's folder; git then ignores what runs leave in it, and no more."""
    folder = tmp_path / "project" / ".loopengt"
    storage = SqliteStorage(folder / "loopengt.db")
    await storage.open()
    await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    kept = ["config.toml", "prompts/a.md", "prompts/deep/b.md", "templates/t/loop.yaml"]
    for name in (*kept, "workspaces/run-1/config.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    subprocess.run([git, "init", "-q", str(folder.parent)], check=True)
    listed = subprocess.run(
        [git, "-C", str(folder.parent), "ls-files", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    await storage.close()
    assert sorted(listed) == sorted(f".loopengt/{name}" for name in (".gitignore", *kept))


async def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder that was there gets the database and no ``.gitignore``."""
    (tmp_path / ".loopengt").mkdir()
    storage = SqliteStorage(tmp_path / ".loopengt" / "loopengt.db")
    await storage.open()
    await storage.close()
    assert [entry.name for entry in (tmp_path / ".loopengt").iterdir()] == ["loopengt.db"]


async def test_nothing_is_left_beside_the_database(storage: SqliteStorage, path: Path) -> None:
    """After ``close``, also of one that only read, the database is one file with everything in it."""
    await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    await storage.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    await storage.open()
    assert len(await storage.rows()) == 1
    await storage.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_one_event_loop_after_another(path: Path) -> None:
    """A storage serves one event loop after another, also without being closed in between."""
    storage = SqliteStorage(path)
    asyncio.run(storage.open())
    lease = asyncio.run(storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1))
    for seq in range(1, 5):
        asyncio.run(storage.append(lease, seq, 1, b"[2]"))

    async def last() -> list[int]:
        await storage.open()
        seen = [batch.first_seq async for batch in storage.read("run-1")]
        await storage.close()
        return seen

    assert asyncio.run(last()) == [1, 2, 3, 4, 5]


async def test_closed_means_closed(storage: SqliteStorage, path: Path) -> None:
    """A closed storage refuses everything, saying so, until it is opened again."""
    lease = await storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
    await storage.close()
    for attempt in (storage.append(lease, 1, 1, b"[2]"), storage.rows(), storage.put_blob(b"x")):
        with pytest.raises(StorageError, match="is not open"):
            await attempt
    await asyncio.gather(storage.open(), storage.open())
    await storage.append(lease, 1, 1, b"[2]")


def test_many_processes_make_one_database(path: Path, spawn: Callable[..., subprocess.Popen[str]]) -> None:
    """Processes that open a database that is not there at the same moment make one, and all of them work."""
    children = [spawn(START_TOGETHER, path, f"run-{index}") for index in range(6)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors

    async def look() -> None:
        storage = SqliteStorage(path)
        await storage.open()
        assert sorted(row.run_id for row in await storage.rows()) == [f"run-{index}" for index in range(6)]
        assert await storage.check() == []
        assert len([batch async for batch in storage.read("run-5")]) == 21
        await storage.close()

    asyncio.run(look())


async def test_a_database_without_a_log_gets_one(
    storage: SqliteStorage, path: Path, locked: Callable[[], AbstractContextManager[None]]
) -> None:
    """A database that was taken out of WAL mode is put back, after waiting for whoever writes just then."""
    await storage.close()
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    await storage.open()
    with locked():
        task = asyncio.ensure_future(
            storage.create(RunRow("run-1", "demo", "running"), "owner", 60, b"[1]", 1)
        )
        for _ in range(20):
            await storage.rows()
        assert not task.done()
    await task
    assert path.read_bytes()[18:20] == b"\2\2"  # The format that means WAL.
    other.close()


async def test_a_newer_version_is_refused(storage: SqliteStorage, path: Path) -> None:
    """A database of a newer version is refused with both versions and the remedy, and not touched."""
    await storage.close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version=99")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(StorageTooNew, match=r"version 99 .* knows 2(.|\n)*pip install --upgrade loopengt"):
        await storage.open()
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused(path: Path) -> None:
    """The option ``path`` cannot make us write our tables into somebody else's database."""
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="another program"):
        await SqliteStorage(path).open()
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"just some text, " * 1000, b"SQLite format 3\0" + b"\xff" * 9000])
async def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    """Any other file in the database's place is refused, with how to move it away, and not touched."""
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StorageCorrupt, match=f"mv '{path}'"):
        await SqliteStorage(path).open()
    assert path.read_bytes() == content


async def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    """A folder where the database should be, or a file where its folder should, is an error that says so."""
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match="is a folder"):
        await SqliteStorage(path).open()
    (path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be made"):
        await SqliteStorage(path / "file" / "loopengt.db").open()


async def test_what_is_sound_in_a_damaged_database_stays_readable(storage: SqliteStorage, path: Path) -> None:
    """Damaged pages are an error for the runs that lie in them; the other runs and the listing are served."""
    payload = b'["' + b"x" * 4000 + b'"]'
    for index in range(40):
        lease = await storage.create(RunRow(f"run-{index}", "demo", "running"), "owner", 60, payload, 1)
        await storage.append(lease, 1, 1, payload)
    await storage.close()
    page = 8192
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // page // 2 * page)
        file.write(b"\xee" * page)
    await storage.open()
    assert len(await storage.rows()) == 40
    damaged: dict[str, str] = {}
    for index in range(40):
        try:
            batches = [batch async for batch in storage.read(f"run-{index}")]
            assert batches == [Batch(1, payload), Batch(2, payload)]
        except StorageCorrupt as error:
            damaged[f"run-{index}"] = str(error)
    assert 1 <= len(damaged) <= 10
    assert all(".recover" in said for said in damaged.values())
    findings = await storage.check()
    assert all(any(finding.startswith(f"Run {run_id}:") for finding in findings) for run_id in damaged)
