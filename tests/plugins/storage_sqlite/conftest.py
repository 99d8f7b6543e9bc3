"""What the tests of the storage ``sqlite`` share: storages, child processes, a look into the log file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loopengt_storage_sqlite.storage import SqliteStorage

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be made."""
    return tmp_path / "storage" / "loopengt.db"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[SqliteStorage]:
    """Yield an open storage."""
    storage = SqliteStorage(path)
    await storage.open()
    yield storage
    await storage.close()


@pytest.fixture
def locked(path: Path) -> Callable[[], object]:
    """Return a context manager during which another connection is writing."""

    @contextmanager
    def hold() -> Iterator[None]:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()

    return hold


@pytest.fixture
def commits(path: Path) -> Callable[[], int]:
    """Return a function that counts the transactions in the write-ahead log, as its frames tell."""

    def count() -> int:
        log = path.with_name(path.name + "-wal").read_bytes()
        size = int.from_bytes(log[8:12], "big")
        frames = (log[start : start + 24] for start in range(32, len(log), size + 24))
        # A frame that ends a transaction holds the size of the database after it.
        return sum(frame[8:16] == log[16:24] and frame[4:8] != bytes(4) for frame in frames)

    return count


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Return a function that starts Python code in a process of its own; those that are left are killed."""
    children: list[subprocess.Popen[str]] = []

    def start(code: str, *args: object, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        env = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        child = subprocess.Popen(
            [*wrapper, sys.executable, "-c", code, *map(str, args)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that other users can reach, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for place in (folder, *folder.rglob("*")):
        place.chmod(0o755)
    shutil.rmtree(folder)
