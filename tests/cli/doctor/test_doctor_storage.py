"""``doctor`` with storages that are damaged, newer or read-only, or hold runs that were cut off."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from loopengt import Kernel
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Reporter


@pytest.mark.slow
def test_a_corrupt_database_is_found(report: Reporter, loop: Path) -> None:
    """A file that is no database fails the storage's check with a remedy, and the rest still reports."""
    (loop / ".loopengt/loopengt.db").write_bytes(b"this is no database, " * 500)
    found = report(loop)
    assert found.exit_code == 1
    finding = found.only("storage", "fail")
    assert "is not an SQLite database" in finding["message"]
    assert "move it away" in finding["remedy"]
    assert found.is_complete


@pytest.mark.slow
def test_a_newer_database_is_refused(report: Reporter, loop: Path) -> None:
    """A database that a newer loopengt has written is said to be that, and is not touched."""
    assert report(loop).exit_code == 0
    file = loop / ".loopengt/loopengt.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version=9999")
    connection.close()
    before = file.read_bytes()
    found = report(loop)
    assert found.exit_code == 1
    assert "9999" in found.only("storage", "fail")["message"]
    assert file.read_bytes() == before


async def add_run(project: Path, run_id: str, ttl: float) -> None:
    """Put a run into the project's storage that this process holds for some seconds."""
    row = RunRow(run_id, "demo", "running", turn=4, started_at=1.0)
    async with Kernel(project, environ={}).storage() as storage:
        await storage.create(row, current_owner(), ttl, b"[1]", 1)


@pytest.mark.slow
async def test_damage_within_the_database_is_found(report: Reporter, loop: Path) -> None:
    """An event that was lost from a journal is reported by the check of the storage."""
    await add_run(loop, "run-1", 60)
    with sqlite3.connect(loop / ".loopengt/loopengt.db") as connection:
        assert connection.execute("UPDATE events SET payload = '[1, 2]'").rowcount == 1
    connection.close()
    found = report(loop)
    assert found.exit_code == 1
    assert "run-1" in found.only("storage", "fail")["message"]
    assert found.of("storage", "ok")[0]["message"].startswith("opens and can be written: SQLite")


@pytest.mark.slow
async def test_a_run_that_was_cut_off_can_be_resumed(report: Reporter, loop: Path) -> None:
    """Of the runs that claim to be running only that without a living owner is reported, with the command."""
    await add_run(loop, "run-dead", 0.0)
    await add_run(loop, "run-alive", 600)
    found = report(loop)
    assert found.exit_code == 0
    assert found.only("runs", "warn") == {
        "check": "runs",
        "status": "warn",
        "message": "run run-dead of demo was cut off in turn 4",
        "remedy": "loopengt resume run-dead",
    }


@pytest.mark.slow
@pytest.mark.parametrize("opened_before", [False, True])
def test_a_read_only_folder_is_found(
    report: Reporter, powerless_report: Reporter, loop: Path, opened_before: bool
) -> None:
    """Where nothing may be written, folder and storage fail with a remedy; the database stays as it was."""
    if opened_before:
        assert report(loop).exit_code == 0
    folder = loop / ".loopengt"
    files = list(folder.iterdir())
    for path in (*files, folder):
        path.chmod(0o555)
    found = powerless_report(loop)
    folder.chmod(0o755)
    assert found.exit_code == 1
    assert found.only("project", "fail")["remedy"].startswith(f"chmod u+rwx {folder}")
    assert "may not be written by this user" in found.only("storage", "fail")["message"]
    assert found.of("specs", "ok")
    assert list(folder.iterdir()) == files
