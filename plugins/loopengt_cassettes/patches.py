"""The patch of a call: what it changed in the workspace, taken down as JSON data and applied to another workspace."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from loopengt_cassettes.errors import CassetteDamaged
from loopengt_cassettes.folders import FileState, changes, is_left_out, open_plain

if TYPE_CHECKING:
    from loopengt_cassettes.folders import Listing

__all__ = ["apply_patch", "differing", "make_patch"]

_INLINE = 4_000
"""Bytes of a text that stands in the cassette itself; larger contents, and binary ones, are blobs."""

Redact = Callable[[bytes], bytes]


def make_patch(
    root: Path, before: Listing, after: Listing, put_blob: Callable[[bytes], str], redact: Redact
) -> dict[str, Any]:
    """Return what has changed between two listings of a workspace, with the contents as they are now.

    Args:
        root: The workspace.
        before: What it held.
        after: What it holds.
        put_blob: Keeps a large or binary content, and returns its digest.
        redact: Takes secrets out of a content.

    Returns:
        By path: null for a file that was deleted; ``{"link": TARGET}``; or ``{"mode": "644", "text": …}`` or
        ``{"mode": …, "blob": DIGEST}``. A file that was there before has its digest as ``was``.
    """
    patch: dict[str, Any] = {}
    for path in changes(before, after):
        old, new = before.get(path), after.get(path)
        if new is None:
            patch[path] = None
            continue
        entry: dict[str, Any] = {} if old is None else {"was": old.content}
        if new.kind == "link":
            patch[path] = entry | {"link": new.content}
            continue
        try:
            with open_plain(root / path) as file:
                content = redact(file.read())
        except OSError:  # gone, or closed to us, since it was listed: whoever did that takes it down
            continue
        patch[path] = entry | {"mode": f"{new.mode:o}"} | _content(content, put_blob)
    return patch


def _content(content: bytes, put_blob: Callable[[bytes], str]) -> dict[str, str]:
    if len(content) <= _INLINE and b"\0" not in content:
        try:
            return {"text": content.decode()}
        except UnicodeDecodeError:
            pass
    return {"blob": put_blob(content)}


def differing(patch: Mapping[str, Any], found: Mapping[str, FileState]) -> list[str]:
    """Return the files that a patch replaces and that are not what they were when it was made."""
    return [
        path
        for path, entry in patch.items()
        if isinstance(entry, dict)
        and "was" in entry
        and (path not in found or found[path].content != entry["was"])
    ]


def apply_patch(root: Path, patch: Mapping[str, Any], get_blob: Callable[[str], bytes]) -> None:
    """Change a workspace as a patch says. It blocks. All of it is checked before anything is changed.

    Raises:
        CassetteDamaged: A path leads out of the workspace or into ``.git`` or ``.loopengt``, a content is missing, or
            an entry is none.
        OSError: A file cannot be written.
    """
    root = root.resolve()
    paths = {name: _checked(name) for name in patch}
    contents = {name: _bytes_of(name, entry, get_blob) for name, entry in patch.items() if entry is not None}
    deleted = [paths[name] for name, entry in patch.items() if entry is None]
    for path in sorted(deleted, reverse=True):
        _delete(root, path)
    for name, content in contents.items():
        entry = patch[name]
        target = _make_way(root, paths[name])
        if "link" in entry:
            target.symlink_to(entry["link"])
        else:
            mode = int(entry.get("mode", "644"), 8) & 0o777
            _write(target, content, mode)


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or "\0" in name or str(path) != name:
        raise CassetteDamaged(f"a recorded file has the path {name!r}, which is not one inside a workspace")
    if ".." in path.parts or any(map(is_left_out, path.parts)):
        raise CassetteDamaged(
            f"a recorded file has the path {name!r}, which is not one that an agent's patch has"
        )
    return path


def _bytes_of(name: str, entry: Any, get_blob: Callable[[str], bytes]) -> bytes:
    match entry:
        case {"link": str(target)} if target and "\0" not in target:
            return b""
        case {"mode": str(mode), "text": str(text)} if _is_mode(mode):
            return text.encode("utf-8", "surrogatepass")
        case {"mode": str(mode), "blob": str(digest)} if _is_mode(mode):
            return get_blob(digest)
    raise CassetteDamaged(f"the recorded change of {name!r} cannot be read")


def _is_mode(text: str) -> bool:
    return 0 < len(text) <= 4 and all(digit in "01234567" for digit in text)


def _parent(root: Path, path: PurePosixPath) -> Path:
    """Return the real folder of a path; a link on the way must not lead out of the workspace."""
    folder = root.joinpath(*path.parts[:-1]).resolve()
    if not folder.is_relative_to(root) or set(map(is_left_out, folder.relative_to(root).parts)) - {False}:
        raise CassetteDamaged(
            f"the recorded file {str(path)!r} lies behind a link that leads out of the workspace"
        )
    return folder


def _delete(root: Path, path: PurePosixPath) -> None:
    folder = _parent(root, path)
    target = folder / path.name
    if target.is_symlink() or target.is_file():
        target.unlink()
    _remove_empty(root, _parents(folder, root))


def _parents(folder: Path, root: Path) -> Iterable[Path]:
    while folder != root:
        yield folder
        folder = folder.parent


def _remove_empty(root: Path, folders: Iterable[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # not empty, or gone
            return


def _make_way(root: Path, path: PurePosixPath) -> Path:
    """Return where to write a file: its folders are there, and nothing of another kind is in its place."""
    folder = _parent(root, path)
    missing = list(takewhile(lambda one: not one.exists(), _parents(folder, root)))
    for one in reversed(missing):  # mkdir(parents=True) is recursive, and folders may be nested deeply
        one.mkdir(exist_ok=True)
    target = folder / path.name
    if target.is_symlink():
        target.unlink()  # what it points to is not meant
    elif target.is_dir():
        target.rmdir()
    elif target.exists():
        target.unlink()
    return target


def _write(target: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(target, flags, stat.S_IRUSR | stat.S_IWUSR), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
