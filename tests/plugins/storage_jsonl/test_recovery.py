"""What the jsonl storage does with torn and damaged files."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import (
    Batch,
    RunNotFound,
    RunRow,
    StorageCorrupt,
    StorageError,
    StorageTooNew,
)
from loopengt_storage_jsonl import files
from loopengt_storage_jsonl.lines import encode
from loopengt_storage_jsonl.storage import JsonlStorage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

FIRST, SECOND, THIRD = b'[{"n":1}]', b'[{"n":2}]', b'[{"n":3}]'


def _do(folder: Path, work: Callable[[JsonlStorage], Awaitable[Any]]) -> Any:
    """Do some work with a storage of its own, as a new process would."""

    async def main() -> Any:
        storage = JsonlStorage(folder)
        await storage.open()
        try:
            return await work(storage)
        finally:
            await storage.close()

    return asyncio.run(main())


def _write_run(folder: Path, payloads: tuple[bytes, ...] = (FIRST, SECOND, THIRD)) -> Path:
    """Write a run that nobody drives, one event a line, and return its file."""

    async def work(storage: JsonlStorage) -> None:
        row = RunRow("run-1", "demo", "running", turn=1, started_at=1.0)
        lease = await storage.create(row, current_owner(), -1.0, payloads[0], 1)
        for seq, payload in enumerate(payloads[1:], start=1):
            await storage.append(lease, seq, 1, payload)

    _do(folder, work)
    return folder / "run-1.jsonl"


async def _payloads(storage: JsonlStorage) -> list[bytes]:
    return [batch.payload async for batch in storage.read("run-1")]


async def _go_on(storage: JsonlStorage) -> list[bytes]:
    """Claim the run, append one event, and return the whole journal."""
    lease = await storage.claim("run-1", current_owner(), 60.0)
    await storage.append(lease, len(await _payloads(storage)), 1, b'["more"]')
    return await _payloads(storage)


def _flip(path: Path, line: int) -> None:
    """Change one letter in the middle of a line, counted from 1."""
    lines = path.read_bytes().splitlines(keepends=True)
    middle = len(lines[line - 1]) // 2
    damaged = bytearray(lines[line - 1])
    damaged[middle] ^= 1
    lines[line - 1] = bytes(damaged)
    path.write_bytes(b"".join(lines))


def test_every_line_of_a_file_is_json(folder: Path) -> None:
    """A run's file holds one JSON object a line, with the events as they were given."""
    lines = [json.loads(line) for line in _write_run(folder).read_text().splitlines()]
    assert [line["events"] for line in lines] == [[{"n": 1}], [{"n": 2}], [{"n": 3}]]
    assert lines[0]["row"]["run_id"] == "run-1"


def test_a_torn_last_line_is_cut_off(folder: Path) -> None:
    """Wherever a crash has torn the last line, what stands before is read, and the run goes on behind it."""
    path = _write_run(folder)
    whole = path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for torn in range(1, last):
        path.write_bytes(whole[:-torn])
        assert _do(folder, _payloads) == [FIRST, SECOND]
        with capture_logs() as logs:
            assert _do(folder, _go_on) == [FIRST, SECOND, b'["more"]']
        assert [(log["log_level"], log["file"], log["bytes"]) for log in logs] == [
            ("warning", str(path), last - torn)
        ]
        assert _do(folder, JsonlStorage.check) == []


def test_a_torn_first_line_is_no_run(folder: Path) -> None:
    """A run whose creation was torn does not exist, and can be created again."""
    path = _write_run(folder, (FIRST,))
    path.write_bytes(path.read_bytes()[:-5])
    path.with_suffix(".state").unlink()
    assert _do(folder, JsonlStorage.rows) == []
    with pytest.raises(RunNotFound):
        _do(folder, _payloads)
    with pytest.raises(RunNotFound):
        _do(folder, _go_on)
    _write_run(folder)
    assert _do(folder, _payloads) == [FIRST, SECOND, THIRD]


def test_check_names_a_torn_line(folder: Path) -> None:
    """``check`` says that a file ends in a torn line, and changes nothing."""
    path = _write_run(folder)
    path.write_bytes(path.read_bytes() + b'{"crc":"0')
    before = path.read_bytes()
    findings = _do(folder, JsonlStorage.check)
    assert len(findings) == 1
    assert str(path) in findings[0]
    assert "9 bytes" in findings[0]
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", [1, 2, 3])
@pytest.mark.parametrize("summary", [True, False])
def test_a_damaged_line_is_named(folder: Path, line: int, summary: bool) -> None:
    """A changed letter is found by reader and check, by file and line; what stands before is read."""
    path = _write_run(folder)
    _flip(path, line)
    if not summary:
        path.with_suffix(".state").unlink()
    read: list[Batch] = []

    async def work(storage: JsonlStorage) -> None:
        async for batch in storage.read("run-1"):
            read.append(batch)  # noqa: PERF401  What was read before the error counts.

    with pytest.raises(StorageCorrupt) as error:
        _do(folder, work)
    assert f"{path} is damaged in line {line}" in error.value.message
    assert [batch.payload for batch in read] == [FIRST, SECOND, THIRD][: line - 1]
    assert _do(folder, JsonlStorage.check) == [error.value.message]


def test_a_damaged_run_is_not_written_but_listed(folder: Path) -> None:
    """A run with a damaged line cannot be claimed or created over; listings show it, and other runs go on."""
    path = _write_run(folder)
    path.with_suffix(".state").unlink()
    _flip(path, 2)
    before = path.read_bytes()
    with pytest.raises(StorageCorrupt, match="line 2"):
        _do(folder, _go_on)
    with pytest.raises(StorageError, match="already"):
        _write_run(folder)
    assert path.read_bytes() == before
    assert [row.turn for row in _do(folder, JsonlStorage.rows)] == [1]


def test_a_damaged_run_goes_on_after_the_named_remedy(folder: Path) -> None:
    """Once the file is cut before the damaged line, as the error says, the run goes on from there."""
    path = _write_run(folder)
    _flip(path, 2)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert _do(folder, _go_on) == [FIRST, b'["more"]']


def test_a_missing_line_is_found(folder: Path) -> None:
    """A file from which a line was taken out is damaged, although each of its lines is whole."""
    path = _write_run(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(StorageCorrupt, match=r"line 2: event 3 follows event 1"):
        _do(folder, _payloads)
    path.write_bytes(lines[1] + lines[2])
    with pytest.raises(StorageCorrupt, match="line 1"):
        _do(folder, _payloads)


@pytest.mark.parametrize("content", [None, b"", b"garbage\n", b'{"crc":"00000000","state":{}}\n'])
def test_the_summary_can_be_lost(folder: Path, content: bytes | None) -> None:
    """Rows and journal are the same when the file beside the journal is gone or damaged."""
    path = _write_run(folder)
    rows = _do(folder, JsonlStorage.rows)
    summary = path.with_suffix(".state")
    if content is None:
        summary.unlink()
    else:
        summary.write_bytes(content)
    assert _do(folder, JsonlStorage.rows) == rows
    assert _do(folder, _go_on) == [FIRST, SECOND, THIRD, b'["more"]']


def test_a_summary_that_does_not_fit_is_not_believed(folder: Path) -> None:
    """When a file was mended by hand, so that the summary beside it ends within a line, the file counts."""
    path = _write_run(folder)
    summary = path.with_suffix(".state")
    state = json.loads(summary.read_bytes())["state"]
    summary.write_bytes(encode({"state": state | {"offset": state["offset"] + 9}}))
    assert _do(folder, _go_on) == [FIRST, SECOND, THIRD, b'["more"]']


def test_a_damaged_blob_is_found_and_mended(folder: Path) -> None:
    """A changed blob is refused and found by check; storing the same bytes again mends it."""
    digest = _do(folder, lambda storage: storage.put_blob(b"content"))
    (path,) = folder.glob(f"blobs/*/{digest}")
    path.write_bytes(b"contend")
    with pytest.raises(StorageCorrupt, match=digest):
        _do(folder, lambda storage: storage.get_blob(digest))
    findings = _do(folder, JsonlStorage.check)
    assert len(findings) == 1
    assert str(path) in findings[0]
    _do(folder, lambda storage: storage.put_blob(b"content"))
    assert _do(folder, lambda storage: storage.get_blob(digest)) == b"content"


def test_a_newer_format_is_refused(folder: Path) -> None:
    """A folder that a newer version wrote is left alone; the error names both formats."""
    _write_run(folder)
    (folder / "format.json").write_text('{"format": 2}')
    with pytest.raises(StorageTooNew, match=r"format 2; this loopengt reads up to 1"):
        _do(folder, _payloads)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": null}', '{"format": "x"}'])
def test_an_unreadable_format_is_damage(folder: Path, content: str) -> None:
    """A format file that names no number is damage, not a guess."""
    _write_run(folder)
    (folder / "format.json").write_text(content)
    with pytest.raises(StorageCorrupt, match=r"format\.json"):
        _do(folder, _payloads)


def test_a_file_under_another_name_is_found(folder: Path) -> None:
    """``check`` names a run's file that was renamed, which nobody could open by the run's id."""
    path = _write_run(folder)
    path.rename(folder / "other.jsonl")
    findings = _do(folder, JsonlStorage.check)
    assert len(findings) == 1
    assert "holds run run-1" in findings[0]


def test_a_lock_that_is_never_given_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was suspended within an append does not hang others for ever; the error says so."""
    path = _write_run(folder)
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    other = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="locked"):
            _do(folder, _go_on)
        assert _do(folder, _payloads) == [FIRST, SECOND, THIRD]
    finally:
        os.close(other)
    assert _do(folder, _go_on) == [FIRST, SECOND, THIRD, b'["more"]']
