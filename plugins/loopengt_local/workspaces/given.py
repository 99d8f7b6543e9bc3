"""Makes a workspace as whoever starts the run asks for it: a copy of the project, or nothing, with given files."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from loopengt.project import make_state_folder
from loopengt_hookspecs.errors import LoopengtError, UsageError
from loopengt_local.workspaces.copies import check_size, copy_tree, make_repository
from loopengt_local.workspaces.removing import remove_workspace
from loopengt_local.workspaces.workspace import Workspace, workspace_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.engines import RunRequest

__all__ = ["make_given"]

_KEPT = frozenset({"..", ".git"})
"""What no given file may lie in: git would heed the configuration that it brings along."""


def make_given(project: Path, run_id: str, request: RunRequest, limit_mb: int) -> Workspace:
    """Make the workspace that a request describes.

    Args:
        project: The project folder.
        run_id: The run.
        request: Its ``workspace`` and ``files`` say what is wanted.
        limit_mb: Most megabytes of a copy.

    Raises:
        UsageError: Files are given without a workspace, or lead out of it, or the project is too large to copy.
        LoopengtError: It cannot be made; nothing is left of it.
    """
    if request.workspace is None or request.in_place:
        raise UsageError(
            "files are given for a run that has no workspace made for them",
            remedy='Ask for workspace="copy" or "empty", and not for in_place.',
        )
    path = workspace_folder(project) / run_id
    if os.path.lexists(path):
        raise UsageError(f"the workspace {path} is there already", remedy="Choose another run id.")
    try:
        make_state_folder(path.parent)
        if request.workspace == "copy":
            check_size(project, limit_mb)
            copy_tree(project, path)
            for name in request.without:
                (path / name).unlink(missing_ok=True)
        else:
            path.mkdir()
        _lay(request.files, path)
        if request.workspace == "empty":
            _make_empty_repository(path)
            return Workspace(path, "copy")
        return Workspace(path, "copy", start=make_repository(path))
    except UsageError:
        remove_workspace(project, path, run_id)
        raise
    except (OSError, shutil.Error, subprocess.CalledProcessError) as exc:
        with suppress(LoopengtError):
            remove_workspace(project, path, run_id)
        raise LoopengtError(
            f"the workspace {path} cannot be made: {exc}", remedy="Free space or mend permissions."
        ) from exc


def _make_empty_repository(path: Path) -> None:
    """Make a folder a git repository, without calling git, which would take longer than many a run.

    Tools that heed ignore files would otherwise follow those of the folders above, which ignore all that lies here.
    """
    for name in ("objects", "refs"):
        (path / ".git" / name).mkdir(parents=True)
    (path / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")


def _lay(files: Mapping[str, Path | bytes], path: Path) -> None:
    root = path.resolve()
    for name, content in files.items():
        pure = PurePosixPath(name)
        odd = (
            pure.is_absolute()
            or not pure.parts
            or "\0" in name
            or _KEPT.intersection(map(str.lower, pure.parts))
        )
        target = path.joinpath(*pure.parts)
        # A link within the project may lead out of it.
        if odd or not target.parent.resolve().is_relative_to(root):
            raise UsageError(
                f"the file {name!r} would not lie in the workspace", remedy="Give a path within it."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            shutil.copyfile(content, target)
            shutil.copymode(content, target)
