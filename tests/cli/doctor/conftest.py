"""A project with a sound loop, and what doctor says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ...conftest import Site

LOOP = """\
name: demo
goal: Do it.
agents:
  - name: worker
    config: {provider: command, extra: {command: [cat]}}
steps:
  - {name: work, agent: worker}
"""

CHECKS = (
    "python, loopengt, entry points, config, plugins, components, project, disk, storage, git, auto, specs"
)


class Report(NamedTuple):
    """What doctor said."""

    exit_code: int
    findings: list[dict[str, str]]

    def of(self, check: str, status: str) -> list[dict[str, str]]:
        """Return the findings of one check that have one status."""
        return [found for found in self.findings if (found["check"], found["status"]) == (check, status)]

    def only(self, check: str, status: str) -> dict[str, str]:
        """Return the one finding of a check that has a status."""
        (found,) = self.of(check, status)
        return found

    @property
    def is_complete(self) -> bool:
        """Whether every check has said something, whatever became of the others."""
        return set(CHECKS.split(", ")) <= {found["check"] for found in self.findings}


class Reporter(Protocol):
    """Runs doctor in a project, with options of the root command and variables of the environment."""

    def __call__(self, project: Path, *options: str, **environ: str) -> Report:
        """Return what it said."""


@pytest.fixture
def report(site: Site) -> Reporter:
    """Run ``doctor --json``; it must print nothing else."""

    def run(project: Path, *options: str, **environ: str) -> Report:
        done = site.run(*options, "doctor", "--json", cwd=project, **environ)
        assert done.stderr == ""
        return Report(done.returncode, json.loads(done.stdout))

    return run


POWERLESS = """
import ctypes, os, sys
if os.geteuid() == 0:
    # Root passes every permission by these two capabilities; without them it is a user like any other.
    for capability in (1, 2):
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-m", "loopengt", *sys.argv[1:], "doctor", "--json"])
"""


@pytest.fixture
def powerless_report(site: Site) -> Reporter:
    """Run ``doctor --json`` as somebody whom permissions hold back, even when the tests are run by root."""

    def run(project: Path, *options: str, **environ: str) -> Report:
        done = subprocess.run(
            [sys.executable, "-c", POWERLESS, *options],
            cwd=project,
            env=site.program_environ() | environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        return Report(done.returncode, json.loads(done.stdout))

    return run


@pytest.fixture
def loop(project: Path) -> Path:
    """A project with a sound loop."""
    (project / "loop.yaml").write_text(LOOP)
    return project
