"""Compares the navigation of mkdocs.yml with the pages that there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

__all__ = ["problems_of_navigation"]


def problems_of_navigation(root: Path) -> list[str]:
    """Return pages that are missing in the navigation, that stand there twice, and entries without a page."""
    settings = yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))
    named = list(_pages(settings["nav"]))
    there = {file.relative_to(root / "docs").as_posix() for file in (root / "docs").rglob("*.md")}
    found = [f"mkdocs.yml: nav lacks {page}" for page in sorted(there - set(named))]
    found += [f"mkdocs.yml: nav names {page}, which is not there" for page in sorted(set(named) - there)]
    return found + [
        f"mkdocs.yml: nav names {page} twice" for page in sorted(set(named)) if named.count(page) > 1
    ]


def _pages(entries: Any) -> Iterator[str]:
    if isinstance(entries, str):
        yield entries
    else:
        for entry in entries.values() if isinstance(entries, dict) else entries:
            yield from _pages(entry)
