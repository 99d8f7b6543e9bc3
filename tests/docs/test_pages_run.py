"""What pages show is executed, in the order of the page: commands end as shown, print what is shown, and code runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .blocks import Page, pages
from .commands import commands_of
from .projects import PROJECTS, setup_of
from .sessions import INSTALLS, run_page

if TYPE_CHECKING:
    from pathlib import Path

QUICK = {"docs/tutorial/first-loop.md", "docs/tutorial/gates.md"}
"""Pages that are executed in the default tests: what a newcomer types first."""

EXECUTED = [page for page in pages() if page.project is not None]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.path, marks=[] if page.path in QUICK else pytest.mark.slow)
        for page in EXECUTED
    ],
)
def test_a_page_can_be_followed(page: Page, tmp_path: Path) -> None:
    """Whoever types what a page shows, from top to bottom, gets what it shows."""
    problems = run_page(page, setup_of(page), tmp_path)
    assert not problems, "\n".join(problems)


def test_every_command_is_executed_or_says_why_not() -> None:
    """A block of commands stands on a page that is executed, or its mark gives the reason."""
    silent = [
        block.place
        for page in pages()
        for block in page.blocks
        if block.is_shell and page.project is None and "skip" not in block.marks
        if not all(INSTALLS.fullmatch(command.text) for command in commands_of(block))
    ]
    assert not silent, f"give the page a mark test-page: project=…, or the block skip=…: {silent}"


def test_every_project_is_used() -> None:
    """No scratch project is kept that no page needs."""
    used = {page.project for page in EXECUTED}
    assert set(PROJECTS) <= used
    assert {page.path for page in EXECUTED} >= QUICK
