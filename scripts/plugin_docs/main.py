"""Writes the pages, or says which are not up to date."""

from __future__ import annotations

import sys

from plugin_docs.pages import ROOT, all_pages

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Write the pages; with ``--check`` only say which are not up to date, and return 1 when there is one."""
    checks = arguments == ["--check"]
    stale = 0
    for path, text in all_pages().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if not checks:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(
            f"{path.relative_to(ROOT).as_posix()} {'is not up to date' if checks else 'written'}\n"
        )
    return 1 if stale and checks else 0
