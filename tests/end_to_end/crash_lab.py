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

from crash_calls import Service
from crash_evidence import Journal, Line, Look, processes_of, read_lines, root_of
from crash_specs import write_project

from loopengt import Kernel
from loopengt.journal import load_run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["Aim", "Lab", "Pace", "Wrong", "kill_all"]

EFFECTS = "effects.log"
"""Every program notes here, a line each: begin, effect or gate; the idempotency key; its parent's pid."""

_HANGS = 60.0
"""Seconds after which a command that is not killed counts as hanging."""
_POLL = 0.0005

_FOREIGN = ("LOOPENGT_", "GIT_", "PYTEST_", "TMPDIR")


class Wrong(Exception):
    """Something that must hold does not."""


@dataclass
class Pace:
    """How long the runs of a variant take."""

    start: float
    """Seconds until the first program begins."""
    work: float
    """Seconds from there to the end."""
    turns: int

    def seconds(self, turns_left: int) -> float:
        """Return how long a command takes that has so many turns to take."""
        return self.start + self.work * max(turns_left, 1) / self.turns

    def learn(self, seconds: float, turns_left: int) -> None:
        """Take in how long a command took that was not killed: machines have faster and slower moments."""
        faster = 0.5 + 0.5 * min(seconds / self.seconds(turns_left), 2.0)
        self.start, self.work = self.start * faster, self.work * faster


@dataclass
class Aim:
    """When a command is to be killed."""

    words: str
    strikes: Callable[[], bool]


@dataclass
class Lab:
    """A project whose runs are killed."""

    folder: Path
    """Where everything lies."""
    storage: str
    rng: random.Random
    """Decides when to kill."""
    service: Service | None = None
    """The model of agents that ask one."""
    kills: int = 0
    diary: list[str] = field(default_factory=list)
    """What was done, line by line."""
    _run_ids: list[str] = field(default_factory=list)

    @property
    def project(self) -> Path:
        """The project folder."""
        return self.folder / "project"

    def set_up(self) -> None:
        """Make the project."""
        (self.folder / EFFECTS).touch()
        self.service = Service(self.folder / EFFECTS)
        write_project(self.project, self.storage, self.folder / EFFECTS, self.service.url)
        (self.folder / "copy").mkdir()
        (self.folder / "tmp").mkdir()
        self._copies = Kernel(self.folder / "copy", environ={})
        self._kernel = Kernel(self.project, environ={})

    def note(self, text: str) -> None:
        """Write a line into the diary."""
        self.diary.append(text)

    def require(self, holds: bool, otherwise: str) -> None:
        """Raise ``Wrong`` unless something holds."""
        if not holds:
            raise Wrong(otherwise)

    # -- commands and kills ----------------------------------------------------------------------------------

    def drive(
        self, command: list[str], aim: Aim | None, run_id: str, beside: Callable[[], None] | None = None
    ) -> tuple[subprocess.Popen[bytes], bool]:
        """Run ``loopengt``, kill it when the aim says so, and say whether the kill struck.

        Args:
            command: Its arguments.
            aim: When to kill it; None: not.
            run_id: The run that it drives, as far as known.
            beside: Called again and again meanwhile.
        """
        process = self.start(*command)
        if self.service is not None:
            self.service.driver = process.pid
        self.note("  is left alone" if aim is None else f"  killed {aim.words}")
        deadline = time.monotonic() + _HANGS
        while process.poll() is None and not (aim is not None and aim.strikes()):
            if time.monotonic() > deadline:
                raise Wrong(f"a command hangs: {process.args!r}")
            if beside is not None:
                beside()
            time.sleep(_POLL)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.wait(_HANGS) != -signal.SIGKILL:
            self.note(f"  ended with {process.returncode} before it was killed")
            return process, False
        self.kills += 1
        if run_id and self.rng.random() < 0.3:  # as when the whole machine goes down
            self.note("  and all that it had started")
            kill_all(processes_of([run_id]))
        return process, True

    def aim(self, pace: Pace, turns_left: int, *, short: bool) -> Aim | None:
        """Choose when to kill a command; None: not at all.

        Args:
            pace: How long runs take.
            turns_left: How many turns are left.
            short: Whether the command only writes something down.
        """
        kind, began = self.rng.random(), time.monotonic()
        if kind < 0.05:
            return None
        if kind < 0.5 or short:  # at any time of what is left, the start and the replay included
            after = self.rng.uniform(0, 1.1 * (pace.start if short else pace.seconds(turns_left)))
            return Aim(f"{after:.3f} s after its start", lambda: time.monotonic() >= began + after)
        # shortly after a program has begun or done its work: in gates, in appends, between them
        lines, pause = self.rng.randint(1, 1 + 3 * turns_left), self.rng.uniform(0, 0.01)
        return Aim(
            f"{pause:.4f} s after line {lines} of its programs", _Lines(self.folder / EFFECTS, lines, pause)
        )

    def kill_leftovers(self) -> None:
        """End what runs of this lab have left running."""
        if self.service is not None:
            self.service.close()
        kill_all(processes_of(self._run_ids))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command in the project."""
        self.note("$ loopengt " + " ".join(arguments))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        with (self.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "loopengt", *arguments],
                cwd=self.project,
                env=kept | {"EFFECTS": str(self.folder / EFFECTS), "TMPDIR": str(self.folder / "tmp")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    # -- what is durable -------------------------------------------------------------------------------------

    def lines(self, run_id: str = "", drivers: Collection[int] = ()) -> list[Line]:
        """Return what the programs of a run, or of all, have noted so far, and what its drivers have asked a model."""
        return [
            line
            for line in read_lines(self.folder / EFFECTS)
            if not run_id or line.run_id == run_id or (line.kind == "ask" and line.parent in drivers)
        ]

    def new_run(self, *, live: bool = False) -> str:
        """Return the id of a run that was not there before; empty when there is none.

        Args:
            live: Whether somebody may just be driving it.
        """
        rows = asyncio.run(_rows(self._kernel if live else self._copy()))
        new = [row.run_id for row in rows if row.parent is None and row.run_id not in self._run_ids]
        self.require(len(new) < 2, f"one command has made {len(new)} runs")
        self._run_ids += new
        return new[0] if new else ""

    def look(self, run_id: str, *, live: bool = False, drivers: Collection[int] = ()) -> Look:
        """Read a run from a copy: whoever resumes it finds what the kill has left.

        Args:
            run_id: The run.
            live: Whether somebody may just be driving it; then it is read where it is.
            drivers: Pids of the processes that have driven it.
        """
        return asyncio.run(self._look(self._kernel if live else self._copy(), run_id, drivers))

    async def _look(self, kernel: Kernel, run_id: str, drivers: Collection[int]) -> Look:
        lines = len(self.lines(run_id, drivers))
        async with kernel.storage() as storage:
            rows = [row for row in await storage.rows(prefix=run_id) if root_of(row.run_id) == run_id]
            journals = {row.run_id.removeprefix(run_id): await _journal(storage, row) for row in rows}
            return Look(dict(sorted(journals.items())), lines)

    def _copy(self) -> Kernel:
        copy = self.folder / "copy" / ".loopengt"
        shutil.rmtree(copy, ignore_errors=True)
        # Without the index of the log: it is made anew from the log, as after a loss of power.
        skipped = shutil.ignore_patterns("workspaces", "*-shm")
        shutil.copytree(self.project / ".loopengt", copy, ignore=skipped)
        return self._copies

    # -- at the end ------------------------------------------------------------------------------------------

    def damage(self) -> list[str]:
        """Return what is wrong with the storage, with the runs in it, and with what lies around them."""
        return [*asyncio.run(self._of_storage()), *self._of_files()]

    async def _of_storage(self) -> list[str]:
        found = []
        async with self._kernel.storage() as storage:
            for row in await storage.rows():
                if row.status != "completed" or row.owner is not None:
                    found.append(f"run {row.run_id} is listed as {row.status}, owner {row.owner}")
                fold = (await _journal(storage, row)).fold
                told = (row.turn, row.tokens, row.cost_usd, row.reason)
                end = fold.end.reason.value if fold.end is not None else None
                state = (fold.turn, fold.tokens, fold.cost_usd, end)
                if told != state:
                    found.append(f"run {row.run_id} is listed with {told}, but its journal says {state}")
            return found + await storage.check()

    def _of_files(self) -> list[str]:
        """Prune, and return what is there all the same that belongs to no run, or has changed."""
        found = []
        for command in ("runs prune --older-than 365d --yes", "doctor"):
            code = self.start(*command.split()).wait(_HANGS)
            found += [f"{command} ends with {code}"] * bool(code)
        found += [f"{path} is left in the temporary folder" for path in sorted(_files(self.folder / "tmp"))]
        changed = self.git("status", "--porcelain")
        if changed or self.git("rev-list", "--count", "HEAD") != "1":
            found.append(f"the project's own files were changed: {changed}")
        known = asyncio.run(_rows(self._kernel))
        # Those of commands that were killed before their run was there are kept for ten minutes.
        young = {path.name for path in (self.project / ".loopengt").glob("workspaces/*")}
        for branch in self.git("for-each-ref", "--format=%(refname:short)", "refs/heads/loopengt").split():
            if branch.rpartition("/")[2] not in young | {row.run_id for row in known}:
                found.append(f"branch {branch} belongs to no run")
        return found

    def git(self, *arguments: str) -> str:
        """Return what git says in the project."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.project, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


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


async def _rows(kernel: Kernel) -> list[RunRow]:
    if not (kernel.project / ".loopengt" / "config.toml").exists():
        return []
    async with kernel.storage() as storage:
        return await storage.rows()


async def _journal(storage: Storage, row: RunRow) -> Journal:
    return Journal(*await load_run(storage, row.run_id))


def _files(folder: Path) -> list[Path]:
    """Return the files below a folder that hold anything."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]


def kill_all(pids: list[int]) -> None:
    """Kill processes that may be gone already."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
