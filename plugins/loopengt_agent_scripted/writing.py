"""Writes the files of a scripted answer, inside the workspace and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from loopengt_hookspecs.agents import AgentError

__all__ = ["write_files"]

_KEPT_OUT = {".git", ".loopengt"}


def write_files(workspace: Path, files: Mapping[str, str | None]) -> None:
    """Write files, or delete those whose text is None; all paths are checked before the first is written.

    Raises:
        AgentError: A path leads out of the workspace or into ``.git`` or ``.loopengt`` (kind ``OutsideWorkspace``), or
            cannot be written (kind ``OSError``).
    """
    root = workspace.resolve()
    places = [(_place(root, name), text) for name, text in files.items()]
    for path, text in places:
        try:
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode("utf-8", "replace"))
        except OSError as exc:
            shown = path.relative_to(root)
            raise AgentError(
                f"the script writes {shown}, which cannot be done: {exc.strerror}",
                remedy="Correct the path under files in the script.",
                kind="OSError",
            ) from exc


def _place(root: Path, name: str) -> Path:
    given = PurePosixPath(name)
    path = root.joinpath(*given.parts)
    odd = given.is_absolute() or not given.parts or ".." in given.parts or "\0" in name
    if odd or _KEPT_OUT & set(given.parts) or not path.resolve().is_relative_to(root):
        raise AgentError(
            f"the script writes {name!r}, which is not a file inside the workspace",
            remedy="Give paths relative to the workspace, such as src/app.py, under files in the script.",
            kind="OutsideWorkspace",
        )
    return path
