"""Fixtures: a project with a server in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .kit import office_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from .kit import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A project with a server; whoever is connected leaves in the end."""
    made = office_at(tmp_path)
    yield made
    await made.close()
