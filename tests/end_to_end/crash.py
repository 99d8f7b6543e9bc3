"""Kills runs at random moments and resumes them, and checks that nothing is lost, doubled or left behind.

``python tests/end_to_end/crash.py --kills 100 --seed 1`` prints what it did and exits with 0, or prints what was
wrong, with the seed and the steps that led to it, and exits with 1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crash_evidence import Line, Look, Watch, essence, processes_of, read_lines, story
from crash_loops import EFFECTS, TURNS, VARIANTS, write_project
from loopengt import Kernel
from loopengt.journal import load_run

_NO_TIME = 60.0
"""Seconds after which a command that should have ended counts as hanging."""


class Wrong(Exception):
    """Something that must hold does not."""


@dataclass
class Timing:
    """How long an undisturbed run takes, in seconds."""

    start: float = 0.5
    """Until its first program begins."""
    work: float = 2.0
    """From there to its end."""


@dataclass
class Lab:
    """A project whose runs are killed.

    Args:
        folder: Where everything lies.
        rng: Decides when to kill.
        stop_at: When no further kill may come, by ``time.monotonic()``.
    """

    folder: Path
    storage: str
    rng: random.Random
    kills_left: int
    stop_at: float
    kills: int = 0
    diary: list[str] = field(default_factory=list)
    """What was done, line by line."""
    timing: dict[str, Timing] = field(default_factory=dict)
    expected: dict[str, Look] = field(default_factory=dict)
    run_ids: list[str] = field(default_factory=list)

    @property
    def project(self) -> Path:
        """The project folder."""
        return self.folder / "project"

    def set_up(self) -> None:
        """Make the project, and one undisturbed run of each loop to compare with."""
        write_project(self.project, self.storage)
        for variant in VARIANTS:
            began = time.monotonic()
            process = self.start("run", f"{variant}.yaml")
            first = self._await(process, lambda: bool(self.lines()), began) - began
            code = process.wait(_NO_TIME)
            look = self.look(self.new_run())
            self._require(code == 0 and look.turns_done() == TURNS, f"undisturbed run: exit code {code}")
            self.timing[variant] = Timing(first, time.monotonic() - began - first)
            self.expected[variant] = look

    # -- programs ---------------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``loopengt`` in a session of its own; what it prints goes to a file."""
        self.diary.append("$ loopengt " + " ".join(arguments))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOOPENGT_")}
        with (self.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "loopengt", *arguments],
                cwd=self.project,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
