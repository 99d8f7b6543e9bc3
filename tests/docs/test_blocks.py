"""What blocks of code in README.md, CONTRIBUTING.md and docs/ say is so, as far as reading them can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .blocks import Page, pages
from .checks import check

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.path)
def test_every_block_of_a_page_is_right(page: Page, tmp_path: Path) -> None:
    """Commands and options exist, loops validate, settings load, code compiles and what it imports is there."""
    found = [page.problem] if page.problem else []
    for number, block in enumerate(page.blocks):
        folder = tmp_path / str(number)
        folder.mkdir()
        found += check(block, folder)
    assert not found, "\n".join(found)
