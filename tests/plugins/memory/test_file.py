"""The memories share a database file with the runs, with other processes, and with nobody else."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loopengt.errors import (
    ConfigError,
    StorageCorrupt,
    StorageError,
    StorageReadOnly,
    StorageTooNew,
    UsageError,
)
from loopengt.testing import loop_spec, make_kernel, run_loop
from loopengt_hookspecs.models import MemoryEntry, MemoryScope
from loopengt_memory.store import SqliteMemoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel

WRITE = """
import asyncio, sys
from pathlib import Path
from loopengt_hookspecs.models import MemoryScope
from loopengt_memory.store import SqliteMemoryStore

async def main(path, worker):
    store = SqliteMemoryStore(Path(path))
    memory = store.memory(MemoryScope.PROJECT)
    for number in range(15):
        await memory.add(f"worker {worker} said {number}", embedding=[float(worker), float(number)])
        await memory.add("the same of all", embedding=[1.0, 1.0])
        assert await memory.search(f"worker {worker}")
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def store_of(kernel: Kernel) -> SqliteMemoryStore:
    """Return the configured store."""
    store = kernel.get("memories", kernel.setting("memory", "name"))
    assert isinstance(store, SqliteMemoryStore)
    return store


@pytest.mark.parametrize("first", ["memory", "run"])
async def test_runs_and_memories_share_a_file(tmp_path: Path, first: str) -> None:
    """Whichever of them makes the database, both find their own in it, and neither sees damage."""
    kernel = make_kernel(tmp_path, storage="sqlite")
    store = store_of(kernel)
    memory = store.memory(MemoryScope.PROJECT)
    if first == "memory":
        await memory.add("remembered")
    result = await run_loop(kernel, loop_spec({"name": "only"}))
    await memory.add("remembered")
    assert [entry.content for entry in await memory.search("remembered")] == ["remembered"]
    async with kernel.storage() as storage:
        assert [row.run_id for row in await storage.rows()] == [result.run_id]
        assert await storage.check() == []
    assert store.path == tmp_path / ".loopengt" / "loopengt.db"
    assert not (tmp_path / ".loopengt" / "memory.db").exists()
    await store.close()


async def test_compacting_the_runs_keeps_the_memories(tmp_path: Path) -> None:
    """A database that is written anew to give space back has the same memories, found in the same ways."""
    kernel = make_kernel(tmp_path, storage="sqlite")
    store = store_of(kernel)
    memory = store.memory(MemoryScope.LOOP, "demo")
    for number in range(200):
        await memory.add(f"filler {number} " * 100, entry_id=str(number), embedding=[1.0, float(number)])
    for number in range(1, 200):
        await memory.remove(str(number))
    async with kernel.storage() as storage:
        assert await storage.compact() > 0
    assert [entry.entry_id for entry in await memory.search("filler")] == ["0"]
    assert [entry.entry_id for entry in await memory.vector_search([1.0, 0.0])] == ["0"]
    await memory.add("filler after", entry_id="after")
    assert {entry.entry_id for entry in await memory.search("filler")} == {"0", "after"}
    await store.close()


@pytest.mark.parametrize("storage", ["memory", "jsonl"])
async def test_without_a_database_of_runs_there_is_one_of_memories(tmp_path: Path, storage: str) -> None:
    """Where runs are kept elsewhere, the memories lie in ``.loopengt/memory.db``."""
    store = store_of(make_kernel(tmp_path, storage=storage))
    await store.memory(MemoryScope.PROJECT).add("x")
    await store.close()
    assert (tmp_path / ".loopengt" / "memory.db").is_file()
    assert (tmp_path / ".loopengt" / ".gitignore").is_file()


def test_the_path_can_be_chosen(tmp_path: Path) -> None:
    """``[plugins.memory] path`` names the file; the storage's own ``path`` moves both."""
    chosen = make_kernel(tmp_path, config={"plugins": {"memory": {"path": "here.db"}}})
    assert store_of(chosen).path == tmp_path / "here.db"
    moved = make_kernel(
        tmp_path, storage="sqlite", config={"plugins": {"storage_sqlite": {"path": "runs/all.db"}}}
    )
    assert store_of(moved).path == tmp_path / "runs" / "all.db"
    with pytest.raises(ConfigError, match="pth"):
        store_of(make_kernel(tmp_path, config={"plugins": {"memory": {"pth": "x"}}}))


async def test_reading_makes_nothing(tmp_path: Path) -> None:
    """Looking for what was never written makes no file; nor does it change a database without memories."""
    path = tmp_path / "new" / "memory.db"
    store = SqliteMemoryStore(path)
    memory = store.memory(MemoryScope.PROJECT)
    assert await memory.search("x") == []
    assert await memory.clear() == 0
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    assert await memory.recent() == []
    assert path.read_bytes() == b""
    await memory.add("x")  # what was empty before is looked at again
    assert await memory.count() == 1
    await store.close()


async def test_several_processes_write_at_once(tmp_path: Path) -> None:
    """Nothing that processes add at the same time, to a file that none of them has made yet, is lost."""
    path = tmp_path / "memory.db"
    command = [sys.executable, "-c", WRITE, str(path)]
    workers = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, text=True) for number in range(1, 4)
    ]
    errors = [worker.communicate(timeout=60)[1] for worker in workers]
    assert errors == [""] * 3
    store = SqliteMemoryStore(path)
    memory = store.memory(MemoryScope.PROJECT)
    assert await memory.count() == 3 * 15 + 1
    assert len(await memory.vector_search([1.0, 1.0], top_k=99)) == 3 * 15 + 1
    assert len(await memory.search("worker said", top_k=99)) == 3 * 15
    await store.close()


async def test_what_another_store_changes_is_seen(tmp_path: Path) -> None:
    """Additions, replacements and removals by another connection count in the next search of many vectors."""
    one, other = (SqliteMemoryStore(tmp_path / "memory.db") for _ in range(2))
    mine, theirs = (store.memory(MemoryScope.PROJECT) for store in (one, other))
    source = random.Random(5)
    vectors = [[source.gauss(0, 1) for _ in range(512)] for _ in range(450)]
    await mine.add_many(
        [
            MemoryEntry(entry_id=str(number), content="x", embedding=vector)
            for number, vector in enumerate(vectors)
        ]
    )
    query = [value + source.gauss(0, 0.2) for value in vectors[7]]

    async def nearest() -> list[str]:
        return [entry.entry_id for entry in await mine.vector_search(query, top_k=2)]

    first, second = await nearest()
    assert first == "7"
    await theirs.add("nearest", entry_id="new", embedding=query)
    assert await nearest() == ["new", "7"]
    await theirs.add("moved away", entry_id="new", embedding=[-value for value in query])
    assert await nearest() == ["7", second]
    await theirs.remove("7")
    assert (await nearest())[0] == second
    await theirs.clear()
    assert await mine.vector_search(query) == []
    await one.close()
    await other.close()


async def test_a_store_may_be_closed_in_the_midst(tmp_path: Path) -> None:
    """Whoever closes a store that others still use disturbs none of them, and nothing is lost."""
    store = SqliteMemoryStore(tmp_path / "memory.db")
    memory = store.memory(MemoryScope.PROJECT)

    async def work(worker: int) -> None:
        for number in range(10):
            await memory.add(f"{worker} {number}")
            await store.close()

    await asyncio.gather(*(work(worker) for worker in range(4)))
    assert await memory.count() == 40
    await store.close()


async def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    """Tables of a newer version are neither read nor written, and the error says what to install."""
    store = SqliteMemoryStore(tmp_path / "memory.db")
    memory = store.memory(MemoryScope.PROJECT)
    await memory.add("x")
    await store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE memory_schema SET version = 99")
    connection.close()
    for call in (memory.count(), memory.add("y")):
        with pytest.raises(StorageTooNew, match="99"):
            await call
    await store.close()


async def test_other_files_are_refused(tmp_path: Path) -> None:
    """A database of another program, a file that is none, and a folder are errors, and stay as they were."""
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    text = tmp_path / "text.db"
    text.write_text("no database " * 1000)
    folder = tmp_path / "folder.db"
    folder.mkdir()
    kinds = (
        (foreign, StorageError, "another program"),
        (text, StorageCorrupt, "text.db"),
        (folder, StorageError, "folder"),
    )
    for path, kind, words in kinds:
        before = path.read_bytes() if path.is_file() else b""
        store = SqliteMemoryStore(path)
        with pytest.raises(kind, match=words):
            await store.memory(MemoryScope.PROJECT).add("x")
        await store.close()
        assert (path.read_bytes() if path.is_file() else b"") == before


async def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    """While another program writes, an addition waits so long as it may, and is an error then; reading goes on."""
    store = SqliteMemoryStore(tmp_path / "memory.db", patience=0.1)
    memory = store.memory(MemoryScope.PROJECT)
    await memory.add("before")
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert await memory.count() == 1
    with pytest.raises(StorageError, match="locked"):
        await memory.add("meanwhile")
    holder.close()
    await memory.add("after")
    assert await memory.count() == 2
    await store.close()


async def test_a_folder_that_may_not_be_made(tmp_path: Path) -> None:
    """Where no folder can be made the error names it."""
    (tmp_path / "file").touch()
    store = SqliteMemoryStore(tmp_path / "file" / "memory.db")
    with pytest.raises(StorageError, match="file"):
        await store.memory(MemoryScope.PROJECT).add("x")
    await store.close()
    assert issubclass(StorageReadOnly, StorageError)


def test_loops_and_runs_have_names(tmp_path: Path) -> None:
    """The memory of a loop or run cannot be had without its name; the project's has none."""
    store = SqliteMemoryStore(tmp_path / "memory.db")
    for scope in (MemoryScope.RUN, MemoryScope.LOOP):
        with pytest.raises(UsageError, match=str(scope)):
            store.memory(scope)
    assert store.memory(MemoryScope.PROJECT, "any") is not None
