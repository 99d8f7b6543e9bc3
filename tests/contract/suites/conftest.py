"""What the built-in components find on this machine while their suites run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def found_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let adapters find the program ``loopengt``, also where the environment of these tests is not activated."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
