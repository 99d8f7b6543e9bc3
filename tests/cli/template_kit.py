"""What the tests of ``loopengt template`` share: a way to type it without a new process."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pytest

from loopengt.cli import main

if TYPE_CHECKING:
    from .conftest import Bench

__all__ = ["Type", "Typed", "typed"]


@dataclass
class Typed:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


Type: TypeAlias = Callable[..., Typed]


@pytest.fixture
def typed(bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Type:
    """Type a command of ``loopengt template`` in the project, in this process, with nobody at the terminal."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(bench.marks / "config"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.chdir(bench.project)

    def type_(*words: str) -> Typed:
        code = main(["template", *words])
        return Typed(code, *capfd.readouterr())

    return type_
