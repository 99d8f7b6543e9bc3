"""Finds the parts of a repository of several projects: folders with a manifest of their own."""

from __future__ import annotations

import os
import re
import shlex
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loopengt_cli_design.detecting.reading import has_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_cli_design.detecting.check import Check

__all__ = ["inside", "parts_of"]

_GROUPS: Final = ("apps", "crates", "libs", "modules", "packages", "services")
"""Folders that hold parts, and are none."""
_MANIFESTS: Final = (
    "Cargo.toml", "Gemfile", "Makefile", "build.gradle", "build.gradle.kts", "composer.json", "go.mod", "mix.exs",
    "package.json", "pom.xml", "pyproject.toml", "setup.cfg", "setup.py",
)  # fmt: skip
_NO_PARTS: Final = frozenset(
    {
        "build",
        "dist",
        "doc",
        "docs",
        "example",
        "examples",
        "node_modules",
        "target",
        "third_party",
        "vendor",
        "venv",
    }
)
_MOST_FOLDERS: Final = 500
_MOST_PARTS: Final = 8


def parts_of(project: Path) -> list[Path]:
    """Return the parts of a repository, sorted; of very many only the first ones."""
    folders = [*_folders(project), *(path for name in _GROUPS for path in _folders(project / name))]
    return list(islice((path for path in folders if has_file(path, *_MANIFESTS)), _MOST_PARTS))


def inside(part: str, check: Check) -> Check:
    """Return a check of a part, as it is made from the top.

    Args:
        part: The part's folder, relative to the top, with ``/``.
        check: The check, as it is made in the part.
    """
    # The point keeps a name that begins with a hyphen from being an option.
    script = f"cd {shlex.quote(f'./{part}')} && {shlex.join(check.command)}"
    name = re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-") or "part"
    return check._replace(
        name=f"{name if name[0].isalpha() else f'part-{name}'}-{check.name}",
        command=("sh", "-c", script),
        proves=f"In {_shown(part)}: {check.proves}",
        shown=f"{check.shown or shlex.join(check.command)} in {_shown(part)}",
    )


def _folders(folder: Path) -> Iterator[Path]:
    """Yield the folders in a folder, sorted; no links, and none in which nothing of the project's own is."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry in islice(entries, _MOST_FOLDERS)
                if entry.is_dir(follow_symlinks=False) and entry.name.isprintable()
            )
    except OSError:
        return
    yield from (folder / name for name in names if name not in _NO_PARTS and not name.startswith("."))


def _shown(part: str) -> str:
    return re.sub(r"[^\w./ -]", "?", part)
