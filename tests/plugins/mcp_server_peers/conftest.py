"""Fixtures: a project, and a program of loopengt that drives runs beside the server."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without loops."""
    (tmp_path / ".loopengt").mkdir()
    return tmp_path


@pytest.fixture
def elsewhere(project: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a command of loopengt in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str) -> subprocess.Popen[bytes]:
        command, null = [sys.executable, "-m", "loopengt", *argv], subprocess.DEVNULL
        started.append(subprocess.Popen(command, cwd=project, stdin=null, stdout=null, stderr=null))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
