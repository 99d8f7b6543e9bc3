"""Hands out the files of a run's workspace for an archive, and makes a workspace of those of an archive."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.archive import Folder, is_unfinished_import
from loopengt.project import make_state_folder
from loopengt.temporary import temporary_folder
from loopengt_hookspecs.errors import LoopengtError, UsageError
from loopengt_local.naming import usable_run_id
from loopengt_local.workspaces.contents import LINKED, list_entries
from loopengt_local.workspaces.copies import make_repository
from loopengt_local.workspaces.removing import remove_folder, remove_workspace
from loopengt_local.workspaces.trees import restore_tree
from loopengt_local.workspaces.workspace import Workspace, workspace_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopengt_hookspecs.storage import RunRow

__all__ = ["Archiving", "refuse_unfinished"]


class Archiving:
    """The part of the engine that ``loopengt.archive.KeepsWorkspaces`` asks for."""

    _project: Path

    @contextmanager
    def workspace_files(self, record: dict[str, Any]) -> Iterator[tuple[Folder | None, Folder | None]]:
        """Yield the files of a run's workspace, now and at the start.

        Files that git ignores are not among them, nor are caches and installed dependencies.

        Raises:
            LoopengtError: The files cannot be listed.
        """
        with _files(record) as found:
            yield found

    def import_workspace(
        self, run_id: str, write_start: Callable[[Path], None] | None, write_now: Callable[[Path], None]
    ) -> dict[str, Any]:
        """Make a workspace of the files of an archive: a copy, with a repository of its own.

        Raises:
            UsageError: There is such a workspace already.
            LoopengtError: The files cannot be written; nothing is left of them.
        """
        return _import(self._project, run_id, write_start, write_now).record()

    def discard_workspace(self, run_id: str) -> None:
        """Remove the workspace of a run whose lease is held, with its branch; nothing when there is none.

        Raises:
            LoopengtError: Files cannot be removed; it can be tried again.
        """
        from loopengt_local.workspaces.installing import merging_alone

        with suppress(UsageError):  # no run of ours is called that, so that there is no such workspace
            path = workspace_folder(self._project) / usable_run_id(run_id)
            with merging_alone(self._project):
                remove_workspace(self._project, path, run_id)


def refuse_unfinished(row: RunRow) -> None:
    """Refuse to go on with a run of whose journal only a part was imported.

    Raises:
        UsageError: It is one.
    """
    if is_unfinished_import(row):
        raise UsageError(
            f"the import of run {row.run_id} was cut short",
            remedy="Import it again: loopengt runs import FILE",
        )


@contextmanager
def _files(record: dict[str, Any]) -> Iterator[tuple[Folder | None, Folder | None]]:
    workspace = Workspace.of_record(record)
    if not workspace.path.is_dir():
        yield None, None
        return
    with temporary_folder(workspace.path) as scratch:
        start: Folder | None = None
        if workspace.start:
            began_with = scratch / "start"
            began_with.mkdir()
            restore_tree(workspace.path, workspace.start, began_with)
            start = _folder(began_with)
        yield _folder(workspace.path), start


def _import(
    project: Path,
    run_id: str,
    write_start: Callable[[Path], None] | None,
    write_now: Callable[[Path], None],
) -> Workspace:
    path = workspace_folder(project) / usable_run_id(run_id)
    if os.path.lexists(path):
        raise UsageError(
            f"the workspace {path} is there already",
            remedy="If no other import of this run is under way, remove it, or wait for `loopengt runs prune`.",
        )
    try:
        make_state_folder(path.parent)
        path.mkdir()
        (write_start or write_now)(path)
        start = make_repository(path)
        if write_start is not None:
            for entry in path.iterdir():
                if entry.name != ".git":
                    remove_folder(entry)
            write_now(path)
        for name in LINKED:
            if (project / name).is_dir() and not os.path.lexists(path / name):
                (path / name).symlink_to(project / name)
    except BaseException as exc:
        remove_folder(path)
        if isinstance(exc, OSError | ValueError):
            raise LoopengtError(
                f"the workspace {path} cannot be made: {exc}", remedy="Free space or mend permissions."
            ) from exc
        raise
    return Workspace(path, "copy", start=start)


def _folder(path: Path) -> Folder:
    return Folder(path, [entry.path for entry in list_entries(path)])
