"""A bench for the commands that drive runs: a project with a loop whose agents are small scripts."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .watch_kit import port, watching  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT = """
import json, os
print(json.dumps({"count": int(os.environ["LOOPENGT_OCCURRENCE"])}))
"""
"""Answers with the number of the lap."""

HANG = """
import json, os, pathlib, signal, subprocess, sys, time
marks = pathlib.Path(os.environ["MARKS"])
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
(marks / "pids.new").write_text(f"{os.getpid()} {child.pid}")
(marks / "pids.new").rename(marks / "pids")
with (marks / "calls").open("a") as calls:
    calls.write("x")
while not (marks / "go").exists():
    time.sleep(0.02)
child.kill()
print(json.dumps({"count": int(os.environ["LOOPENGT_OCCURRENCE"])}))
"""
"""Leaves its pid and that of a child in ``pids``, and goes on when there is a file ``go``."""


class Bench:
    """A project, and ``loopengt`` in it."""

    def __init__(self, project: Path, marks: Path) -> None:
        self.project = project
        self.marks = marks

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.project / name).write_text(text)

    def loop(self, script: str = COUNT, goal: str = "output.count >= 2", **changes: Any) -> dict[str, Any]:
        """Write a loop with one agent and one gate, and return it.

        Args:
            script: What the agent, a Python program, does.
            goal: The gate's condition.
            changes: Keys of the spec to put in its place.
        """
        self.write("agent.py", script)
        spec = {
            "name": "demo",
            "goal": "Count to two.",
            "pattern": "repeat",
            "agents": [self.agent("counter", [sys.executable, "agent.py"])],
            "steps": [{"name": "count", "agent": "counter", "verification_gates": ["enough"]}],
            "policy": {"max_turns": 4, "verification_gates": [{"name": "enough", "condition": goal}]},
            **changes,
        }
        self.write("loop.yaml", json.dumps(spec))
        return spec

    def agent(self, name: str, command: list[str]) -> dict[str, Any]:
        """Return an agent that runs a command; MARKS in its environment names the folder for marks."""
        extra = {"command": command, "env": {"MARKS": str(self.marks)}}
        return {"name": name, "config": {"provider": "command", "extra": extra}}

    def run(self, *args: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``loopengt`` in the project as a person would."""
        return subprocess.run(
            [sys.executable, "-m", "loopengt", *args],
            cwd=cwd or self.project,
            env=environment() | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start ``loopengt`` in the project, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "loopengt", *args],
            cwd=self.project,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def type(self, line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Have a shell execute a line that a command has printed, with nothing but ``loopengt`` put in."""
        program = f"{shlex.quote(sys.executable)} -m loopengt"
        return subprocess.run(
            ["/bin/sh", "-c", f'loopengt() {{ {program} "$@"; }}\n{line}'],
            cwd=cwd,
            env=environment() | {"EMAIL": "tests@localhost"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def runs(self) -> list[dict[str, Any]]:
        """Return what ``runs --json`` prints."""
        shown = self.run("runs", "--json")
        assert shown.returncode == 0, shown.stderr
        return list(json.loads(shown.stdout))

    def only_run(self) -> dict[str, Any]:
        """Return the one run that there is."""
        (found,) = self.runs()
        return found

    def pids(self) -> list[int]:
        """Wait until the hanging agent runs, and return its pid and its child's."""
        until(lambda: (self.marks / "pids").exists())
        return [int(pid) for pid in (self.marks / "pids").read_text().split()]

    def go(self) -> None:
        """Let the hanging agent go on."""
        (self.marks / "go").touch()


def environment() -> dict[str, str]:
    """Return this process's environment without settings of the person who runs the tests."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("LOOPENGT_", "PYTEST_"))}


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def printed(text: str, label: str) -> str:
    """Return what stands behind a label in a command's output."""
    (found,) = (line.strip() for line in text.splitlines() if line.strip().startswith(label))
    return found.removeprefix(label).strip()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A project without anything in it; what hangs in the end is let go."""
    project, marks = tmp_path / "project", tmp_path / "marks"
    project.mkdir()
    marks.mkdir()
    # What is started here can be interrupted, also when the tests run in the background of a shell.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    made = Bench(project, marks)
    yield made
    made.go()
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def hang() -> str:
    """The script of an agent that hangs until ``bench.go()``."""
    return HANG


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait until something holds."""
    return until


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Return whether a process has ended, or ends within seconds: the kernel takes its time after a SIGKILL."""

    def ends(pid: int) -> bool:
        deadline = time.monotonic() + 10
        while not is_gone(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        return is_gone(pid)

    return ends


@pytest.fixture
def labelled() -> Callable[[str, str], str]:
    """Find what a command has printed behind a label."""
    return printed
