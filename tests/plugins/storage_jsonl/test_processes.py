"""Several processes on one folder: races, kills, a suspended owner, a full disk, a folder without rights."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRIVER = Path(__file__).with_name("driver.py")
RACES = 20
OK = {"result": None}


class Process:
    """Another process that does to the storage what it is told."""

    def __init__(self, folder: Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, str(DRIVER), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def tell(self, do: str, **arguments: Any) -> None:
        """Send a command without waiting for its answer."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.popen.stdin.flush()

    def answer(self) -> Any:
        """Wait for the next line of output."""
        assert self.popen.stdout is not None
        return json.loads(self.popen.stdout.readline())

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send a command and return its answer: ``{"result": …}`` or ``{"error": …, "text": …}``."""
        self.tell(do, **arguments)
        return self.answer()

    def kill(self) -> list[str]:
        """End the process as ``kill -9`` does, and return what it had yet printed."""
        self.popen.kill()
        with self.popen:
            # Not ``communicate``, which forgets what ``readline`` has read ahead.
            out = self.popen.stdout
            return out.read().splitlines() if out and not out.closed else []


@pytest.fixture
def process(folder: Path) -> Iterator[Callable[..., Process]]:
    """Return a function that starts another process, with a storage on the same folder by default."""
    started: list[Process] = []

    def start(where: Path = folder, *, ready: bool = True) -> Process:
        started.append(Process(where))
        if ready:
            assert started[-1].ask("open") == OK
        return started[-1]

    yield start
    for each in started:
        each.kill()


def _race(racers: list[Process], do: str, run_id: str) -> tuple[Process, Any]:
    """Give two processes one command together; return who won, and what the other was told."""
    for racer in racers:
        racer.tell(do, run_id=run_id)
    answers = [racer.answer() for racer in racers]
    assert OK in answers, f"nobody won: {answers}"
    winner = answers.index(OK)
    return racers[winner], answers[1 - winner]


def test_one_of_two_claims_wins(process: Callable[..., Process]) -> None:
    """Of two processes that claim a run at the same moment one gets it, and the other learns from whom."""
    creator, first, second = process(), process(), process()
    for index in range(RACES):
        assert creator.ask("create", run_id=f"run-{index}", ttl=-1.0) == OK
    for index in range(RACES):
        racers = [first, second] if index % 2 else [second, first]
        winner, refusal = _race(racers, "claim", f"run-{index}")
        assert refusal["error"] == "RunOwned"
        assert f"process {winner.popen.pid} " in refusal["text"]
        assert winner.ask("append", run_id=f"run-{index}", seq=1, payload="[2]") == OK
        assert creator.ask("append", run_id=f"run-{index}", seq=2, payload="[3]")["error"] == "LeaseLost"


def test_one_of_two_creations_wins(process: Callable[..., Process]) -> None:
    """Of two processes that create a run of one id at the same moment one does, and the other is refused."""
    first, second = process(), process()
    for index in range(RACES):
        winner, refusal = _race([first, second], "create", f"run-{index}")
        assert refusal["error"] == "StorageError"
        assert winner.ask("append", run_id=f"run-{index}", seq=1, payload="[2]") == OK
        assert first.ask("read", run_id=f"run-{index}") == {"result": ['["driver"]', "[2]"]}


def test_a_killed_process_loses_nothing_it_was_promised(process: Callable[..., Process]) -> None:
    """After ``kill -9`` at any moment every append that had returned is read, and another process goes on."""
    reader = process()
    for attempt in range(10):
        run_id = f"run-{attempt}"
        victim = process()
        assert victim.ask("create", run_id=run_id) == OK
        victim.tell("append_for_ever", run_id=run_id, seq=1)
        for _ in range(attempt * 3 + 1):
            promised = victim.answer()
        promised = int(([str(promised), *victim.kill()])[-1])
        journal = reader.ask("read", run_id=run_id)["result"]
        assert promised <= len(journal) <= promised + 1
        assert [json.loads(payload)[0] for payload in journal[1:]] == [
            "x" * (seq * 37 % 5000) for seq in range(1, len(journal))
        ]
        assert reader.ask("claim", run_id=run_id) == OK
        assert reader.ask("append", run_id=run_id, seq=len(journal), payload="[1]") == OK


def test_a_suspended_owner_that_wakes_up_cannot_append(process: Callable[..., Process]) -> None:
    """An owner stopped past its lease and then continued is refused; the new owner is not disturbed."""
    old, new = process(), process()
    assert old.ask("create", run_id="run-1", ttl=-1.0) == OK
    os.kill(old.popen.pid, signal.SIGSTOP)
    assert new.ask("claim", run_id="run-1") == OK
    old.tell("append", run_id="run-1", seq=1, payload='["old"]')
    os.kill(old.popen.pid, signal.SIGCONT)
    refusal = old.answer()
    assert refusal["error"] == "LeaseLost"
    assert f"process {new.popen.pid} " in refusal["text"]
    assert new.ask("append", run_id="run-1", seq=1, payload="[2]") == OK
    assert new.ask("read", run_id="run-1") == {"result": ['["driver"]', "[2]"]}


def test_a_full_disk_leaves_no_half_line(process: Callable[..., Process], folder: Path) -> None:
    """An append that finds the disk full is refused as a whole; what is stored stays readable, and later
    appends, once there is space, go on behind it.
    """
    writer = process()
    writer.ask("create", run_id="run-1")
    assert writer.ask("append", run_id="run-1", seq=1, payload="[2]") == OK
    path = folder / "run-1.jsonl"
    before = path.read_bytes()
    # Some hundred bytes are free: the first part of the line is written, then the disk is full.
    assert writer.ask("limit_files", size=len(before) + 300) == OK
    for _ in range(3):
        refusal = writer.ask("append", run_id="run-1", seq=2, payload=json.dumps(["x" * 5000]))
        assert refusal["error"] == "StorageFull"
        assert str(folder) in refusal["text"]
        assert path.read_bytes() == before
    assert writer.ask("read", run_id="run-1") == {"result": ['["driver"]', "[2]"]}
    assert writer.ask("rows") == {"result": ["run-1"]}
    assert writer.ask("append", run_id="run-1", seq=2, payload="[3]") == OK
    assert writer.ask("limit_files", size=None) == OK
    assert writer.ask("append", run_id="run-1", seq=3, payload=json.dumps(["x" * 5000])) == OK
    assert len(writer.ask("read", run_id="run-1")["result"]) == 4


def test_a_full_disk_leaves_no_half_blob_or_run(process: Callable[..., Process], folder: Path) -> None:
    """A blob or run for which there is no space does not exist, leaves no draft, and can be stored later."""
    writer = process()
    assert writer.ask("limit_files", size=50) == OK
    assert writer.ask("put_blob", size=5000)["error"] == "StorageFull"
    assert writer.ask("create", run_id="run-1")["error"] == "StorageFull"
    assert writer.ask("rows") == {"result": []}
    assert [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size] == [
        folder / "format.json"
    ]
    assert writer.ask("limit_files", size=None) == OK
    assert len(writer.ask("put_blob", size=5000)["result"]) == 64
    assert writer.ask("create", run_id="run-1") == OK


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Return a folder that users without rights may look into; that of pytest is closed to them."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def test_a_folder_without_rights_stays_readable(process: Callable[..., Process], public_folder: Path) -> None:
    """Without the right to write, journals and listings are read; what writes is refused with a remedy."""
    folder = public_folder / "runs-jsonl"
    owner = process(folder)
    owner.ask("create", run_id="run-1", ttl=-1.0)
    owner.kill()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    reader = process(folder, ready=False)
    assert reader.ask("drop_rights") == OK
    assert reader.ask("open") == OK
    assert reader.ask("read", run_id="run-1") == {"result": ['["driver"]']}
    assert reader.ask("rows") == {"result": ["run-1"]}
    for do, arguments in (
        ("claim", {"run_id": "run-1"}),
        ("create", {"run_id": "run-2"}),
        ("put_blob", {"size": 5}),
    ):
        refusal = reader.ask(do, **arguments)
        assert refusal["error"] == "StorageReadOnly", f"{do}: {refusal}"
        assert f"chmod -R u+rwX '{folder}'" in refusal["text"]
    folder.chmod(0o755)


def test_a_folder_that_cannot_be_created(process: Callable[..., Process], public_folder: Path) -> None:
    """Opening a storage whose folder may not be created says which folder, and what to do."""
    public_folder.chmod(0o555)
    opener = process(public_folder / "runs-jsonl", ready=False)
    assert opener.ask("drop_rights") == OK
    refusal = opener.ask("open")
    assert refusal["error"] == "StorageReadOnly"
    assert str(public_folder / "runs-jsonl") in refusal["text"]
