"""Templates whose files lie in a folder of this package."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = ["STARTER", "FolderTemplate"]


class FolderTemplate:
    """The files of one folder.

    Args:
        name: The folder, a direct child of this package.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def files(self) -> dict[str, str]:
        """Return every file of the folder: relative path with ``/`` to text, sorted."""
        return dict(sorted(_texts(resources.files(__package__) / self._name, "")))


def _texts(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _texts(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_text(encoding="utf-8")


STARTER = FolderTemplate("starter")
"""The loop that ``loopengt init`` fits to a project."""
