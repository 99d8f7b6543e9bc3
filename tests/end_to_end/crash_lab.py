"""Where ``crash.py`` works: a project, its commands, the killing, and looks at what is durable."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crash_evidence import Line, Look, processes_of, read_lines
from crash_loops import EFFECTS, TURNS, write_project

from loopengt import Kernel
from loopengt.journal import load_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.storage import RunRow

__all__ = ["Lab", "Wrong"]

_HANGS = 60.0
"""Seconds after which a command that is not killed counts as hanging."""
_POLL = 0.0005


class Wrong(Exception):
    """Something that must hold does not."""


@dataclass
class Lab:
    """A project whose runs are killed."""

    folder: Path
    """Where everything lies."""
    storage: str
    rng: random.Random
    """Decides when to kill."""
    kills_left: int
    stop_at: float
    """When no further kill may come, by ``time.monotonic()``."""
    kills: int = 0
    diary: list[str] = field(default_factory=list)
    """What was done, line by line."""
    _run_ids: list[str] = field(default_factory=list)
    _seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By loop: seconds until the first program begins, and from there to the end."""

    @property
    def late(self) -> bool:
        """Whether the time for kills is up."""
        return time.monotonic() >= self.stop_at

    def set_up(self) -> None:
        """Make the project."""
        write_project(self.folder / "project", self.storage)
        (self.folder / "copy").mkdir()
        self._copies = Kernel(self.folder / "copy", environ={})

    def undisturbed(self, variant: str) -> Look:
        """Run a loop without a kill and take its time."""
        lines, began = len(self.lines()), time.monotonic()
        process = self._start("run", f"{variant}.yaml", "--quiet")
        _until(lambda: len(self.lines()) > lines, process)
        first = time.monotonic() - began
        self.require(process.wait(_HANGS) == 0, f"an undisturbed run has exit code {process.returncode}")
        self._seconds[variant] = first, time.monotonic() - began - first
        look = self.look(self.new_run())
        self.require(look.turns_done() == TURNS, f"an undisturbed run has {look.turns_done()} turns")
        return look

    def note(self, text: str) -> None:
        """Write a line into the diary."""
        self.diary.append(text)

    def require(self, holds: bool, otherwise: str) -> None:
        """Raise ``Wrong`` unless something holds."""
        if not holds:
            raise Wrong(otherwise)

    # -- commands and kills ----------------------------------------------------------------------------------

    def drive(
        self, variant: str, turns_left: int, run_id: str, *command: str
    ) -> tuple[subprocess.Popen[bytes], bool]:
        """Run ``loopengt``, kill it at a random moment, and say whether the kill struck."""
        start, work = self._seconds[variant]
        seconds = start + work * turns_left / TURNS
        process = self._start(*command)
        began = time.monotonic()
        _until(self._aim(seconds, turns_left), process)
        if process.poll() is not None:  # learn how long it takes while the machine does what it does now
            faster = 0.5 + 0.5 * (time.monotonic() - began) / seconds
            self._seconds[variant] = start * faster, work * faster
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.wait(_HANGS) != -signal.SIGKILL:
            self.note(f"  ended with {process.returncode} before it was killed")
            return process, False
        self.kills += 1
        self.kills_left -= 1
        if run_id and self.rng.random() < 0.3:  # as when the whole machine goes down
            self.note("  and all that it had started")
            _kill(processes_of([run_id]))
        return process, True

    def _aim(self, seconds: float, turns_left: int) -> Callable[[], bool]:
        """Choose when to kill a command that takes so many seconds and turns."""
        kind = self.rng.random()
        if self.kills_left <= 0 or self.late or kind < 0.05:
            self.note("  is left alone")
            return lambda: False
        if kind < 0.5:  # at any time of what is left, the start and the replay included
            after = self.rng.uniform(0, 1.1 * seconds)
            at = time.monotonic() + after
            self.note(f"  killed {after:.3f} s after its start")
            return lambda: time.monotonic() >= at
        # shortly after a program has begun or done its work: in gates, in appends, between them
        lines, pause = self.rng.randint(1, 1 + 3 * turns_left), self.rng.uniform(0, 0.01)
        self.note(f"  killed {pause:.4f} s after line {lines} of its programs")
        return _Lines(self.folder / EFFECTS, lines, pause)

    def kill_leftovers(self) -> None:
        """End what runs of this lab have left running."""
        _kill(processes_of(self._run_ids))

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        self.note("$ loopengt " + " ".join(arguments))
        with (self.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "loopengt", *arguments],
                cwd=self.folder / "project",
                env={name: value for name, value in os.environ.items() if not name.startswith("LOOPENGT_")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    # -- what is durable -------------------------------------------------------------------------------------

    def lines(self, run_id: str = "") -> list[Line]:
        """Return what the programs of a run, or of all, have noted so far."""
        return [line for line in read_lines(self.folder / EFFECTS) if not run_id or line.run_id == run_id]

    def new_run(self) -> str:
        """Return the id of a run that was not there before; empty when there is none."""
        new = [row.run_id for row in asyncio.run(self._rows()) if row.run_id not in self._run_ids]
        self.require(len(new) < 2, f"one command has made {len(new)} runs")
        self._run_ids += new
        return new[0] if new else ""

    def look(self, run_id: str) -> Look:
        """Read a run that nobody drives from a copy: whoever resumes it finds what the kill has left."""
        self._copy()
        return asyncio.run(self._look(run_id))

    def damage(self) -> list[str]:
        """Return what is wrong with the storage, and with the runs in it."""
        return asyncio.run(self._damage())

    async def _rows(self) -> list[RunRow]:
        self._copy()
        async with self._copies.storage() as storage:
            return await storage.rows()

    async def _look(self, run_id: str) -> Look:
        lines = len(self.lines(run_id))
        async with self._copies.storage() as storage:
            return Look(*await load_run(storage, run_id), lines)

    async def _damage(self) -> list[str]:
        async with Kernel(self.folder / "project", environ={}).storage() as storage:
            rows = await storage.rows()
            open_rows = [row for row in rows if row.status != "completed" or row.owner is not None]
            found = [f"run {row.run_id} is listed as {row.status}, owner {row.owner}" for row in open_rows]
            return found + await storage.check()

    def _copy(self) -> None:
        copy = self.folder / "copy" / ".loopengt"
        shutil.rmtree(copy, ignore_errors=True)
        # Without the index of the log: it is made anew from the log, as after a loss of power.
        skipped = shutil.ignore_patterns("workspaces", "*-shm")
        shutil.copytree(self.folder / "project" / ".loopengt", copy, ignore=skipped)


class _Lines:
    """Is true some time after a file has gained some lines."""

    def __init__(self, file: Path, lines: int, pause: float) -> None:
        self._file = file
        self._size = file.stat().st_size
        self._lines = lines
        self._pause = pause
        self._at: float | None = None

    def __call__(self) -> bool:
        if self._at is None and self._file.stat().st_size > self._size:
            content = self._file.read_bytes()
            self._lines -= content.count(b"\n", self._size)
            self._size = len(content)
            if self._lines <= 0:
                self._at = time.monotonic() + self._pause
        return self._at is not None and time.monotonic() >= self._at


def _until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something holds or the process has ended."""
    deadline = time.monotonic() + _HANGS
    while process.poll() is None and not holds():
        if time.monotonic() > deadline:
            raise Wrong(f"a command hangs: {process.args!r}")
        time.sleep(_POLL)


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
