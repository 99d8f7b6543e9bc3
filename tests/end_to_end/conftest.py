"""A stage for runs in real processes: a project, its loop, ``loopengt`` in it, and what is seen of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel
from loopengt.journal import load_run

from .enforcement_desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import RunRow


class Stage:
    """A project folder, with a folder for marks that agents and tests leave for each other.

    Args:
        folder: Where both lie; every user may look into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.marks = folder / "marks"
        self.project.mkdir()
        self.marks.mkdir()
        self._started: list[subprocess.Popen[str]] = []

    # -- the loop --------------------------------------------------------------------------------------------

    def loop(self, script: str, *steps: str | dict[str, Any], **fields: Any) -> None:
        """Write ``loop.yaml``.

        Args:
            script: What the agent does, for the shell; ``$MARKS`` is the folder for marks.
            *steps: The steps, by name or whole, default ``work``.
            **fields: Further top-level keys of the spec.
        """
        described = [{"name": step} if isinstance(step, str) else step for step in steps or ("work",)]
        spec = {
            "name": "staged",
            "goal": "Get there.",
            "agents": [self.agent("worker", script)],
            "steps": [{"agent": "worker", **step} for step in described],
            **fields,
        }
        (self.project / "loop.yaml").write_text(json.dumps(spec))

    def agent(self, name: str, script: str, **options: Any) -> dict[str, Any]:
        """Describe an agent that runs a shell script."""
        extra = {"command": script, "env": {"MARKS": str(self.marks)}, **options}
        return {"name": name, "config": {"provider": "command", "extra": extra}}

    def config(self, text: str) -> None:
        """Write ``.loopengt/config.toml``."""
        folder = self.project / ".loopengt"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(text)

    def short_lease(self, storage: str) -> None:
        """Choose a storage, and have leases run out soon after their owner has fallen silent."""
        self.config(
            f'[storage]\nname = "{storage}"\n[plugins.local]\nlease_seconds = 0.6\npoll_seconds = 0.1\n'
        )

    def mark(self, name: str) -> Path:
        """Return the path of a mark."""
        return self.marks / name

    def marked(self, name: str) -> list[str]:
        """Return the lines that agents have written into a mark."""
        return self.mark(name).read_text().splitlines() if self.mark(name).exists() else []

    # -- programs --------------------------------------------------------------------------------------------

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run ``loopengt`` in the project to its end."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(
        self, *arguments: str, env: dict[str, str] | None = None, prefix: tuple[str, ...] = (), **options: Any
    ) -> subprocess.Popen[str]:
        """Start ``loopengt`` in the project, in a session of its own.

        Args:
            *arguments: Its arguments.
            env: Variables that its environment has beside ours.
            prefix: What stands before the program on the command line.
            **options: As for ``Popen``.
        """
        kept = {key: text for key, text in os.environ.items() if not key.startswith(("LOOPENGT_", "PYTEST_"))}
        given: dict[str, Any] = {"cwd": self.project, "start_new_session": True, **options}
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "loopengt", *arguments],
            env=kept | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **given,
        )
        self._started.append(process)
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a program's process group, as ``kill -9 -PID`` does."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)

    def clear(self) -> None:
        """End whatever still runs."""
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=30)
        for pid in self.programs():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def programs(self) -> list[int]:
        """Return the pids of programs that runs in this project have started and that still run."""
        wanted = f"LOOPENGT_WORKSPACE={self.project}"
        return [pid for pid in _pids() if any(entry.startswith(wanted) for entry in _environment(pid))]

    # -- what is durable -------------------------------------------------------------------------------------

    def rows(self) -> list[RunRow]:
        """Return the runs of the project."""
        return asyncio.run(self._rows()) if (self.project / ".loopengt").is_dir() else []

    def row(self) -> RunRow:
        """Return the only run of the project."""
        (row,) = self.rows()
        return row

    def events(self) -> list[Event]:
        """Return the journal of the only run."""
        return asyncio.run(self._events(self.row().run_id))

    def types(self) -> list[str]:
        """Return the types of the events of the only run."""
        return [event.type for event in self.events()]

    def damage(self) -> list[str]:
        """Return what the storage finds wrong with itself."""
        return asyncio.run(self._damage())

    def _kernel(self) -> Kernel:
        return Kernel(self.project, environ={})

    async def _rows(self) -> list[RunRow]:
        async with self._kernel().storage() as storage:
            return await storage.rows()

    async def _events(self, run_id: str) -> list[Event]:
        async with self._kernel().storage() as storage:
            return (await load_run(storage, run_id))[1]

    async def _damage(self) -> list[str]:
        async with self._kernel().storage() as storage:
            return await storage.check()


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _environment(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _until(holds: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {seconds:g} seconds: {what}"
        time.sleep(0.01)


@pytest.fixture
def until() -> Callable[..., None]:
    """``until(holds, what)`` waits until a condition holds; fails when it does not come to hold."""
    return _until


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An empty stage. Not in pytest's own folder, into which no other user may look."""
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc, to see which programs are left behind")
    folder = Path(tempfile.mkdtemp(prefix="loopengt-stage-")).resolve()
    folder.chmod(0o755)
    # What is started here can be interrupted, also when the tests run in the background of a shell.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    made = Stage(folder)
    yield made
    signal.signal(signal.SIGINT, before)
    made.clear()
    shutil.rmtree(folder)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An empty project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    made = Desk(tmp_path)
    yield made
    made.server.close()
