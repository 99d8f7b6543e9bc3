"""Templates whose files lie in a folder of this package."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = [
    "DEPENDENCY_UPGRADE",
    "DOCS_SYNC",
    "FIX_CI",
    "HANDOFF_LOOP",
    "PLANNER_EXECUTOR",
    "RALPH",
    "RESEARCH_ARCHITECT",
    "REVIEWER_RETRY",
    "STARTER",
    "SUPERVISOR_WORKERS",
    "TEST_COVERAGE",
    "FolderTemplate",
]


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


DEPENDENCY_UPGRADE = FolderTemplate("dependency_upgrade")
DOCS_SYNC = FolderTemplate("docs_sync")
FIX_CI = FolderTemplate("fix_ci")
HANDOFF_LOOP = FolderTemplate("handoff_loop")
PLANNER_EXECUTOR = FolderTemplate("planner_executor")
RALPH = FolderTemplate("ralph")
RESEARCH_ARCHITECT = FolderTemplate("research_architect")
REVIEWER_RETRY = FolderTemplate("reviewer_retry")
STARTER = FolderTemplate("starter")
"""The loop that ``loopengt init`` fits to a project."""
SUPERVISOR_WORKERS = FolderTemplate("supervisor_workers")
TEST_COVERAGE = FolderTemplate("test_coverage")
