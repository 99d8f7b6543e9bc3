"""Where the jsonl storage under test lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the storage; it does not exist yet."""
    return tmp_path / "runs-jsonl"
