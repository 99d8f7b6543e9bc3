"""Fixtures: a server in this process, and the program."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from .kit import Bench, Program, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A project with nothing in it."""
    project = tmp_path / "project"
    project.mkdir()
    return Bench(project)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program, not yet started."""
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    made = Program(project, environment(tmp_path / "state"))
    yield made
    made.close()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which somebody listens already."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]
