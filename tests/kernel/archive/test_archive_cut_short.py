"""Imports that fail, or die, in the middle."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.archive import archiving_engine, import_run, is_unfinished_import, prunable
from loopengt.errors import LoopengtError, UsageError
from loopengt.journal import encode_batch, load_run
from loopengt.ownership import current_owner
from loopengt.testing import resume_loop
from loopengt_hookspecs.models import EndReason, Event

from .archive_kit import BIG, Place

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage


@pytest.fixture
async def here(tmp_path: Path) -> Place:
    """A project with a run that has done step a."""
    place = Place(tmp_path / "here", a=BIG)
    (place.folder / "file").write_text("text")
    await place.rest()
    return place


@pytest.fixture
def there(tmp_path: Path) -> Place:
    """Another project, whose agent can do what is left."""
    return Place(tmp_path / "there", b="b", c="c")


KILLED = """
import asyncio, os, sys
from pathlib import Path
from loopengt.archive import archiving_engine, import_run
from loopengt.testing import ScriptedAgent, make_kernel

class Killed:
    def __init__(self, storage):
        self.storage, self.writes = storage, 0
    def __getattr__(self, name):
        return getattr(self.storage, name)
    async def append(self, *args):
        self.writes += 1
        if self.writes == 3:
            os._exit(9)
        await self.storage.append(*args)

async def main(project, file):
    kernel = make_kernel(project, agents=ScriptedAgent(), storage="sqlite")
    async with kernel.storage() as storage:
        await import_run(Killed(storage), file, project=project, workspaces=archiving_engine(kernel.engine()))

asyncio.run(main(*map(Path, sys.argv[1:])))
"""
"""Imports an archive, and dies at the fourth write."""


class _Failing:
    """A storage that fails, or is cut off, at one of its writes."""

    def __init__(self, storage: Storage, writes: int, error: BaseException) -> None:
        self._storage = storage
        self._left = writes
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise self._error

    async def create(self, *args: Any) -> Any:
        self._count()
        return await self._storage.create(*args)

    async def append(self, *args: Any) -> None:
        self._count()
        await self._storage.append(*args)


@pytest.fixture
async def long(here: Place, tmp_path: Path) -> Path:
    """An archive of a run with a journal of many parts and a child."""
    async with here.kernel.storage() as storage:
        lease = await storage.claim("run-1", current_owner(), 60)
        seq = (await load_run(storage, "run-1"))[0].seq
        for number in range(1, 9):
            event = Event(seq + number, "custom", 9.0, None, {"text": "x" * 100_000})
            await storage.append(lease, seq + number - 1, 1, encode_batch([event]))
        await storage.release(lease)
    await here.add_child("run-1.aaaaaaaa", "run-1")
    await here.export(tmp_path / "long.zip")
    return tmp_path / "long.zip"


async def fail(there: Place, file: Path, writes: int, error: BaseException) -> bool:
    """Import with a failure at one write; say whether there was one."""
    async with there.kernel.storage() as storage:
        engine = archiving_engine(there.kernel.engine())
        broken: Any = _Failing(storage, writes, error)
        try:
            await import_run(broken, file, project=there.folder, workspaces=engine)
        except type(error):
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("error", [LoopengtError("full"), asyncio.CancelledError()], ids=["error", "cancel"])
async def test_a_failure_leaves_nothing(long: Path, there: Place, error: BaseException) -> None:
    """Whichever write fails, no run and no workspace is left, and the next try comes through."""
    writes = 1
    while await fail(there, long, writes, error):
        assert await there.is_untouched()
        writes += 1
    assert writes > 4, "the journal has several parts"
    assert (await there.take_in(long)).known


@pytest.mark.slow
async def test_a_killed_import_is_not_taken_up(long: Path, there: Place) -> None:
    """What an import that was killed has left is pending, is not resumed, and the next import replaces it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(there.folder), str(long), stdin=asyncio.subprocess.DEVNULL
    )
    assert await child.wait() == 9
    (root,) = [row for row in await there.rows() if row.parent is None]
    assert is_unfinished_import(root)
    with pytest.raises(UsageError, match="cut short"):
        await resume_loop(there.kernel, "run-1")
    assert prunable([root], older_than=1e9) == [root]
    assert not (await there.take_in(long)).known
    assert (await resume_loop(there.kernel, "run-1")).end.reason is EndReason.GOAL_MET
