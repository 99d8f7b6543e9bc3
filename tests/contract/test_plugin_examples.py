"""Each example of docs/plugins passes the contract suite of its kind."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from .plugin_examples import EXAMPLES, KINDS, suite_of


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite of commands imports the module in a process of its own."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(EXAMPLES)])


with TemporaryDirectory() as _folder:
    globals().update({f"Test_{kind}": suite_of(kind, Path(_folder)) for kind in KINDS})
