"""Disks and databases that refuse: a clear message, exit code 1, and what was durable stays readable."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stage

pytestmark = pytest.mark.slow  # real processes, seconds each

FILLS = """
echo "$LOOPENGT_STEP" >> "$MARKS/begun"
if [ "$LOOPENGT_STEP" = fill ] && [ ! -e "$MARKS/room" ]; then
    cat /dev/zero > .loopengt/filler 2> /dev/null
fi
head -c 3000 /dev/urandom | od -An -tx1
"""
"""The step ``fill`` takes all the space there is; an answer needs more than the pages have to spare."""

KILLS = 'if [ "$LOOPENGT_STEP" = kill ]; then kill -9 "$PPID"; fi; echo done'
"""The step ``kill`` ends the process that drives the run."""

storages = pytest.mark.parametrize("storage", ["sqlite", "jsonl"])


@pytest.fixture
def small_disk(stage: Stage) -> Iterator[Path]:
    """A disk of two megabytes, mounted as the stage's ``.loopengt``."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a tmpfs of two megabytes")
    folder = stage.project / ".loopengt"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a tmpfs (CAP_SYS_ADMIN): {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def read_only(stage: Stage) -> Iterator[tuple[str, ...]]:
    """The stage's project once ``lock`` was called; yields what makes a program of root's heed it."""
    heeding: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("run as root this needs setpriv (util-linux): root may write everywhere")
        heeding = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    yield heeding
    set_mode(stage.project, 0o755, 0o644)


def set_mode(folder: Path, for_folders: int, for_files: int) -> None:
    """Set who may do what with a folder and all that is in it."""
    for place, _, files in os.walk(folder):
        Path(place).chmod(for_folders)
        for name in files:
            Path(place, name).chmod(for_files)


def said(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Return all that a command has printed, having checked its exit code."""
    text = done.stdout + done.stderr
    assert "Traceback" not in text and "should not" not in text, text
    assert done.returncode == code, text
    return text


def what_is_shown(stage: Stage, prefix: tuple[str, ...] = ()) -> tuple[str, int]:
    """Return what ``runs`` and ``trace`` show of the only run: its id, and how many steps are completed."""
    (row,) = json.loads(said(stage.run("runs", "--json", prefix=prefix), 0))
    trace = stage.run("trace", row["run_id"], "--format", "json", prefix=prefix)
    assert trace.returncode == 0, trace.stderr
    return row["run_id"], sum(
        1 for event in json.loads(trace.stdout) if event["event_type"] == "step.complete"
    )


@storages
def test_a_run_outlives_a_full_disk(stage: Stage, small_disk: Path, storage: str) -> None:
    """A full disk ends a run with exit code 1; what was durable is shown, and with space it goes on."""
    stage.config(f'[storage]\nname = "{storage}"\n')
    stage.loop(FILLS, "first", "fill", "third", "fourth")
    failed = said(stage.run("run", "loop.yaml", "--in-place"), 1)
    assert "space" in failed and str(small_disk) in failed and "goal_met" not in failed
    run_id, completed = what_is_shown(stage)
    assert completed == 1
    said(stage.run("resume", run_id), 1)

    stage.mark("room").touch()
    (small_disk / "filler").unlink()
    assert "goal_met" in said(stage.run("resume", run_id), 0)
    assert stage.marked("begun").count("first") == 1
    assert stage.marked("begun")[-2:] == ["third", "fourth"]
    assert what_is_shown(stage) == (run_id, 4)
    assert stage.damage() == []


@storages
def test_nothing_begins_on_a_full_disk(stage: Stage, small_disk: Path, storage: str) -> None:
    """A run that cannot even be written down has exit code 1 and executes nothing."""
    stage.config(f'[storage]\nname = "{storage}"\n')
    stage.loop(FILLS, "first")
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    assert "space" in said(stage.run("run", "loop.yaml", "--in-place"), 1).lower()
    assert stage.marked("begun") == []


@storages
def test_a_read_only_folder_can_be_read(stage: Stage, read_only: tuple[str, ...], storage: str) -> None:
    """Where nothing may be written, runs and trace show a killed run; resume and run say why they cannot."""
    stage.config(f'[storage]\nname = "{storage}"\n')
    stage.loop(KILLS, "first", "kill", "third")
    assert stage.run("run", "loop.yaml", "--in-place").returncode == -9
    before = stage.events()
    set_mode(stage.project, 0o555, 0o444)
    run_id, completed = what_is_shown(stage, read_only)
    assert completed == 1
    for command in (["resume", run_id], ["run", "loop.yaml", "--in-place"], ["run", "loop.yaml"]):
        refused = said(stage.run(*command, prefix=read_only), 1)
        assert ".loopengt" in refused and ("may not" in refused or "Permission denied" in refused)
    set_mode(stage.project, 0o755, 0o644)
    assert stage.events() == before


def test_a_corrupt_database_is_named(stage: Stage) -> None:
    """A database that is none, or damaged in its schema, ends every command with exit code 1 and its name."""
    stage.loop("echo done")
    assert stage.run("run", "loop.yaml", "--in-place").returncode == 0
    database = stage.project / ".loopengt" / "loopengt.db"
    sound = database.read_bytes()
    for damaged in (b"This is no database. " * 500, sound[:100] + b"\xff" * 4000 + sound[4100:]):
        database.write_bytes(damaged)
        for command in (["run", "loop.yaml", "--in-place"], ["trace", "latest"]):
            text = said(stage.run(*command), 1)
            assert str(database) in text and ("not an SQLite database" in text or "damaged" in text)
        assert "fail  storage" in said(stage.run("doctor"), 1)
        assert database.read_bytes() == damaged


def test_what_is_sound_in_a_damaged_database_is_shown(stage: Stage) -> None:
    """When the end of a run's journal is damaged, trace shows what precedes it, and other runs whole."""
    stage.loop('head -c 20000 /dev/zero | tr "\\0" x', *(f"s{number}" for number in range(30)))
    assert stage.run("run", "loop.yaml", "--in-place").returncode == 0
    sound = stage.row().run_id
    assert stage.run("run", "loop.yaml", "--in-place").returncode == 0
    damaged = next(row.run_id for row in stage.rows() if row.run_id != sound)
    database = stage.project / ".loopengt" / "loopengt.db"
    content = bytearray(database.read_bytes())
    place = content.rfind(b'"step.complete"')
    content[place - 9000 : place] = b"\xff" * 9000
    database.write_bytes(content)
    shown = stage.run("trace", damaged, "--format", "json")
    assert shown.returncode == 1 and "Traceback" not in shown.stderr
    assert "damaged" in shown.stderr or "cannot be read" in shown.stderr
    assert 1 <= shown.stdout.count('"step.complete"') < 30
    whole = stage.run("trace", sound, "--format", "json")
    assert (whole.returncode, whole.stdout.count('"step.complete"')) == (0, 30)
    assert "fail  storage" in said(stage.run("doctor"), 1)


def test_a_newer_database_is_left_alone(stage: Stage) -> None:
    """A database of a newer version ends every command with exit code 1 and a remedy, and is not changed."""
    stage.loop("echo done")
    assert stage.run("run", "loop.yaml", "--in-place").returncode == 0
    database = stage.project / ".loopengt" / "loopengt.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = database.read_bytes()
    for command in (["run", "loop.yaml", "--in-place"], ["runs"], ["resume", "latest"]):
        text = said(stage.run(*command), 1)
        assert "999" in text and "pip install" in text
    assert "999" in said(stage.run("doctor"), 1)
    assert database.read_bytes() == before
