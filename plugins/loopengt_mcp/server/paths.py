"""Keeps every path that a client names inside the project, and out of its hidden folders."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from loopengt.display import one_line
from loopengt.errors import UsageError

__all__ = ["SUFFIXES", "inside", "shown"]

SUFFIXES = (".yaml", ".yml", ".json")
"""What the file of a loop may end with."""


def inside(project: Path, text: str) -> Path:
    """Return the path that a client means; it need not exist.

    Args:
        project: The project folder.
        text: A path relative to it, with ``/``.

    Raises:
        UsageError: It is absolute, leads out of the project, also by a symbolic link, or into a hidden folder.
    """
    path = PurePosixPath(text.replace("\\", "/"))
    if not text.strip() or "\0" in text or len(text) > 1_000:
        raise UsageError("the path is empty or no path", remedy="Give one such as loops/fix.yaml.")
    if (
        path.is_absolute()
        or path.parts[0].endswith(":")
        or path.parts[0].startswith("~")
        or ".." in path.parts
    ):
        raise _outside(text)
    if any(part.startswith(".") for part in path.parts):
        raise UsageError(
            f"{one_line(text)!r} is hidden: what begins with a dot is not for clients",
            remedy="Give a path such as loops/fix.yaml.",
        )
    root = project.resolve()
    try:
        found = (root / path).resolve()
    except (OSError, RuntimeError, ValueError):  # as a loop of links
        raise _outside(text) from None
    if not found.is_relative_to(root):
        raise _outside(text)
    if any(part.startswith(".") for part in found.relative_to(root).parts):
        raise _outside(text)
    return found


def shown(project: Path, path: Path) -> str:
    """Write a path of the project as a client gives it."""
    return path.resolve().relative_to(project.resolve()).as_posix()


def _outside(text: str) -> UsageError:
    return UsageError(
        f"{one_line(text)!r} is not inside the project",
        remedy="Give a path relative to the project folder, without .., such as loops/fix.yaml.",
    )
