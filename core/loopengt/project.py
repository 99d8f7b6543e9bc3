"""Finds the project folder: the one that holds ``.loopengt/``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GITIGNORE", "STATE_FOLDER", "find_project", "locate_project", "make_state_folder"]

STATE_FOLDER = ".loopengt"
"""Folder of a project's config, runs and logs."""


GITIGNORE = """\
# What runs leave behind stays here; what people write is kept in git.
/*
!/.gitignore
!/baselines/
!/config.toml
!/prompts/
!/templates/
"""
"""Content of the ``.gitignore`` in a new ``.loopengt`` folder."""


def make_state_folder(folder: Path) -> None:
    """Make a folder and those above it; a new ``.loopengt`` among them gets its ``.gitignore``.

    Raises:
        OSError: It cannot be made.
    """
    new = [part for part in (folder, *folder.parents) if part.name == STATE_FOLDER and not part.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for part in new:
        (part / ".gitignore").write_text(GITIGNORE, encoding="utf-8")


def find_project(start: Path) -> Path:
    """Return the nearest folder, from ``start`` upwards, that has ``.loopengt/``, else ``start`` itself."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / STATE_FOLDER).is_dir():
            return folder
    return start


def locate_project(given: Path | None, environ: Mapping[str, str]) -> tuple[Path, bool]:
    """Return the project folder and whether it was named: by the caller or by ``LOOPENGT_PROJECT``.

    Raises:
        UsageError: The named folder does not exist.
    """
    named = environ.get("LOOPENGT_PROJECT", "")
    folder = given if given is not None else Path(named) if named else None
    if folder is None:
        try:
            return find_project(Path.cwd()), False
        except FileNotFoundError as exc:
            raise UsageError("the working directory is gone", remedy="go to another one: cd DIR") from exc
    if not folder.is_dir():
        by = f"LOOPENGT_PROJECT={named}" if given is None else str(given)
        raise UsageError(
            f"the project folder {by} does not exist", remedy="name an existing folder, or make it"
        )
    return folder.resolve(), True
