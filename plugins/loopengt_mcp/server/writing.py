"""Writes new loops into the project: checked first, whole, and never over what is no loop."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.naming import is_word
from loopengt_mcp.server.loops import FOLDER, is_loop
from loopengt_mcp.server.paths import SUFFIXES, inside, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from loopengt.spec import LoadedSpec
    from loopengt_mcp.server.loops import Loops

__all__ = ["target_of", "write_loop"]


def target_of(project: Path, path: str, name: str, *, folder: bool) -> Path:
    """Return where the main file of a new loop is written.

    Args:
        project: The project folder.
        path: What the client says; empty: below ``loops/``, by the loop's name.
        name: Name of the loop.
        folder: Whether the loop has files beside it.

    Raises:
        UsageError: The path leads out of the project, or is no file of a loop.
    """
    if not path:
        words = "".join(char if char.isascii() and char.isalnum() else " " for char in name).lower().split()
        plain = "-".join(words)[:80]
        plain = plain if is_word(plain) else "loop"
        path = f"{FOLDER}/{plain}/loop.yaml" if folder else f"{FOLDER}/{plain}.yaml"
    found = inside(project, path)
    if found.suffix not in SUFFIXES:
        raise UsageError(
            f"{path!r} does not end as the file of a loop does",
            remedy=f"Let it end with one of {', '.join(SUFFIXES)}.",
        )
    return found


def write_loop(
    loops: Loops,
    project: Path,
    target: Path,
    files: Mapping[str, str],
    *,
    overwrite: bool,
    before: Callable[[list[Path]], None],
) -> tuple[LoadedSpec, list[Path]]:
    """Check a loop, then write its files.

    Args:
        loops: The loops of the project.
        project: The project folder.
        target: Where ``loop.yaml`` of the files is written; the others stand beside it.
        files: Relative path with ``/`` to text; one of them is ``loop.yaml``.
        overwrite: Write over loops that exist.
        before: Is told the files, once it is sure that they are good and before any is written.

    Raises:
        UsageError: A file exists, or cannot be written.
        SpecError: The loop has problems; nothing was written.
    """
    places = {_place(project, target, name): text for name, text in files.items()}
    for place in places:
        _check_free(project, place, overwrite=overwrite)
    try:
        with _staged(target, files) as draft:
            loaded = loops.load_file(draft, target)
            before(list(places))
        for place, text in places.items():
            _write(place, text)
    except OSError as exc:
        where = shown(project, target)
        raise UsageError(f"{where} cannot be written: {exc.strerror or exc}") from exc
    return loaded, list(places)


def _place(project: Path, target: Path, name: str) -> Path:
    if name == "loop.yaml":
        return target
    return inside(project, shown(project, target.parent / name))


def _check_free(project: Path, place: Path, *, overwrite: bool) -> None:
    if not place.exists():
        return
    if not overwrite:
        raise UsageError(
            f"{shown(project, place)} exists already",
            remedy="Give another `path`, or overwrite=true when the person wants it replaced.",
        )
    if not is_loop(place):
        raise UsageError(
            f"{shown(project, place)} exists and is not a loop, so it is not replaced",
            remedy="Give another `path`.",
        )


@contextmanager
def _staged(target: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """Put the files where paths within them mean what they will mean, and yield the main one; then take them away."""
    made = _make_folders(target.parent)
    mark = f".{target.stem}.{os.getpid()}"
    folder = target.parent.with_name(f".{target.parent.name}.{os.getpid()}") if len(files) > 1 else None
    try:
        if folder is None:
            draft = target.with_name(mark + target.suffix)
            _write(draft, files["loop.yaml"])
        else:
            draft = folder / target.name
            for name, text in files.items():
                _write(draft if name == "loop.yaml" else folder / name, text)
        yield draft
        made.clear()
    finally:
        if folder is None:
            target.with_name(mark + target.suffix).unlink(missing_ok=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        for new in made:
            with suppress(OSError):  # somebody has put something there meanwhile
                new.rmdir()


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder, and return those that were not there, the innermost first."""
    new = [part for part in (folder, *folder.parents) if not part.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return new


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        draft.write_text(text, encoding="utf-8", errors="replace", newline="")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
