"""What is particular to the jsonl storage: its files, its durability, and its options."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loopengt.ownership import current_owner
from loopengt_hookspecs.registration import PluginContext
from loopengt_hookspecs.storage import LeaseLost, RunRow, StorageError, StorageFull
from loopengt_storage_jsonl import plugin
from loopengt_storage_jsonl.names import file_stem
from loopengt_storage_jsonl.options import JsonlOptions
from loopengt_storage_jsonl.storage import JsonlStorage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from loopengt_hookspecs.registration import Components

needs_fdatasync = pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="needs os.fdatasync")


def _context(project: Path, options: JsonlOptions | None = None) -> PluginContext:
    return PluginContext("storage_jsonl", project, cast("Components", None), options)


async def _start(storage: JsonlStorage) -> Any:
    await storage.open()
    return await storage.create(
        RunRow("run-1", "demo", "running", started_at=1.0), current_owner(), 60.0, b"[1]", 1
    )


async def test_options_choose_folder_and_durability(tmp_path: Path) -> None:
    """Without options the runs lie in ``.loopengt/runs-jsonl`` at full durability; options change both."""
    assert JsonlStorage.from_context(_context(tmp_path)).describe() == (
        f"JSON lines in {tmp_path}/.loopengt/runs-jsonl (durability full)"
    )
    storage = JsonlStorage.from_context(
        _context(tmp_path, JsonlOptions(folder="elsewhere", durability="normal"))
    )
    assert storage.describe() == f"JSON lines in {tmp_path}/elsewhere (durability normal)"
    await _start(storage)
    await storage.close()
    assert (tmp_path / "elsewhere" / "run-1.jsonl").is_file()


@pytest.mark.parametrize("wrong", [{"durability": "none"}, {"folder": ""}, {"dir": "x"}])
def test_wrong_options_are_refused(wrong: dict[str, str]) -> None:
    """An unknown durability, an empty folder and an unknown option are errors."""
    with pytest.raises(ValidationError):
        JsonlOptions.model_validate(wrong)


def test_the_plugin_registers_what_exists() -> None:
    """The references that the plugin registers lead to the storage and to the model of its options."""
    storages, options = Mock(), Mock()
    plugin.loopengt_register_storages(storages)
    plugin.loopengt_register_options(options)
    (name, storage), told = storages.call_args
    assert name == "jsonl"
    assert resolve_name(storage) is JsonlStorage
    assert told["summary"]
    assert resolve_name(*options.call_args.args) is JsonlOptions


@pytest.fixture
async def storage(folder: Path) -> AsyncIterator[JsonlStorage]:
    """Return a storage at full durability; a test opens it."""
    made = JsonlStorage(folder)
    yield made
    await made.close()


async def test_a_closed_storage_says_so(storage: JsonlStorage) -> None:
    """Using a storage that is not open is an error that says how to open it."""
    with pytest.raises(StorageError, match="not open"):
        await storage.rows()
    await _start(storage)
    await storage.close()
    with pytest.raises(StorageError, match="not open"):
        await storage.rows()


async def test_a_payload_is_one_line(storage: JsonlStorage) -> None:
    """A payload with a line break, which would break the file, is refused."""
    lease = await _start(storage)
    with pytest.raises(StorageError, match="line break"):
        await storage.append(lease, 1, 1, b"[\n1]")
    await storage.append(lease, 1, 1, b"[1]")


async def test_an_append_costs_the_same_at_any_length(storage: JsonlStorage, folder: Path) -> None:
    """The bytes of an append are those of its payload and less than 60 more, however long the run is."""
    lease = await _start(storage)
    path = folder / "run-1.jsonl"
    payload = b'["' + b"x" * 100 + b'"]'
    for seq in range(1, 500):
        before = path.stat().st_size
        await storage.append(lease, seq, 1, payload)
        assert path.stat().st_size - before < len(payload) + 60


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with every wait for the disk."""
    seen: list[int] = []
    real: Callable[[int], None] = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        seen.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return seen


@needs_fdatasync
@pytest.mark.parametrize(("durability", "waits"), [("full", 1), ("normal", 0)])
async def test_only_full_durability_waits_for_the_disk(
    folder: Path, syncs: list[int], durability: str, waits: int
) -> None:
    """At full durability every append waits for the disk once; at normal durability never."""
    storage = JsonlStorage(folder, durability=durability)
    lease = await _start(storage)
    for seq in range(1, 4):
        syncs.clear()
        await storage.append(lease, seq, 1, b"[1]")
        assert len(syncs) == waits
    await storage.close()


@needs_fdatasync
async def test_a_failed_wait_for_the_disk_is_no_append(
    storage: JsonlStorage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk reports only at the end that it is full, the whole line is taken back."""
    lease = await _start(storage)
    before = (folder / "run-1.jsonl").read_bytes()

    def fdatasync(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fdatasync)
        with pytest.raises(StorageFull, match="No space left"):
            await storage.append(lease, 1, 1, b"[2]")
    assert (folder / "run-1.jsonl").read_bytes() == before
    await storage.append(lease, 1, 1, b"[2]")


async def test_a_renewal_that_fails_for_one_run_reaches_the_others(
    storage: JsonlStorage, folder: Path
) -> None:
    """Signals of sound runs arrive although another run's file is damaged; the damage is reported after."""
    lease = await _start(storage)
    other = await storage.create(RunRow("run-2", "demo", "running"), current_owner(), 60.0, b"[1]", 1)
    with (folder / "run-2.jsonl").open("ab") as file:
        file.write(b"garbage\n")
    await storage.signal("run-1", {"type": "stop"})
    assert (await storage.renew([other, lease], 60.0)).signals == [("run-1", {"type": "stop"})]
    with pytest.raises(StorageError, match="damaged"):
        await storage.renew([other, lease], 60.0)


async def test_a_run_whose_file_was_removed_is_lost(storage: JsonlStorage, folder: Path) -> None:
    """When a run's file is removed while it is driven, its lease is lost and nothing is written anew."""
    lease = await _start(storage)
    (folder / "run-1.jsonl").unlink()
    assert (await storage.renew([lease], 60.0)).lost == [lease]
    with pytest.raises(StorageError):
        await storage.append(lease, 1, 1, b"[2]")
    await storage.release(lease)
    assert not (folder / "run-1.jsonl").exists()


async def test_an_append_after_release_is_refused(storage: JsonlStorage) -> None:
    """Whoever has given a run back cannot append to it, although nobody else has taken it."""
    lease = await _start(storage)
    await storage.release(lease)
    with pytest.raises(LeaseLost, match="given back"):
        await storage.append(lease, 1, 1, b"[2]")
    assert (await storage.renew([lease], 60.0)).lost == [lease]


async def test_the_event_loop_is_not_held_up(storage: JsonlStorage) -> None:
    """While the storage works on files the event loop goes on."""
    lease = await _start(storage)
    task = asyncio.ensure_future(storage.append(lease, 1, 1, b"[" + b"1," * 2_000_000 + b"1]"))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


@settings(deadline=None)
@given(st.text(), st.text())
def test_file_names_are_plain_and_distinct(one: str, two: str) -> None:
    """Any two ids have file names of harmless letters, which differ also where case does not count."""
    assert re.fullmatch(r"[a-z0-9_~-]{1,100}", file_stem(one))
    assert (file_stem(one).lower() == file_stem(two).lower()) == (one == two)


def test_plain_ids_are_their_own_file_names() -> None:
    """An id of small letters, digits, ``-`` and ``_`` can be found among the files by its name."""
    assert file_stem("fix-lint-20250101_a1") == "fix-lint-20250101_a1"
    assert file_stem("Fix") != file_stem("fix")
    assert file_stem("fix") == "fix"
    assert Path(file_stem("../../x")).name == file_stem("../../x")
