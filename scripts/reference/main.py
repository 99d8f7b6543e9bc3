"""Writes the pages, or says which are not up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from loopengt.testing import make_kernel
from reference.commands import commands_page
from reference.environment import environment_page
from reference.events import ends_page, events_page
from reference.hooks import hooks_page
from reference.models import loop_page, suite_page
from reference.settings import settings_page

__all__ = ["ROOT", "all_pages", "main", "stale_pages"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "reference"


def all_pages() -> dict[Path, str]:
    """Return the text of each page, as loopengt's own plugins make it."""
    with TemporaryDirectory() as folder:
        kernel = make_kernel(Path(folder))
        pages = {
            "cli.md": commands_page(kernel),
            "loop-yaml.md": loop_page(kernel),
            "evals-yaml.md": suite_page(),
            "config.md": settings_page(kernel),
            "environment.md": environment_page(),
            "events.md": events_page((ROOT / "docs" / "journal.md").read_text(encoding="utf-8")),
            "exit-codes.md": ends_page(),
            "hooks.md": hooks_page(),
        }
    return {PAGES / name: text for name, text in pages.items()}


def stale_pages(pages: dict[Path, str]) -> list[Path]:
    """Return those that are not there as they would be written."""
    return [
        path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the pages; with ``--check`` only say which are not up to date, and return 1 when there is one."""
    check = arguments == ["--check"]
    pages = all_pages()
    stale = stale_pages(pages)
    for path in stale:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pages[path], encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is not up to date' if check else 'written'}\n")
    return 1 if check and stale else 0
