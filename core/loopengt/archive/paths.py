"""Judges the paths of a workspace's files before any of them is written: none may lead out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

from loopengt.errors import ArchiveError

if TYPE_CHECKING:
    from loopengt.archive.manifest import Entry

__all__ = ["as_bytes", "as_text", "check_entries", "leads_outside"]

_MOST_LINKS = 40
"""Links to follow for one path; the kernel stops there too."""

_MOST_BYTES = 4096
_PLAIN = "/ !#$&'()+,;=@[]{}^~`-_."

Path = tuple[bytes, ...]


def as_text(path: bytes) -> str:
    """Write a path as text that any system can hold."""
    return quote_from_bytes(path, safe=_PLAIN)


def as_bytes(text: str) -> bytes:
    """Read a path that ``as_text`` has written.

    Raises:
        ArchiveError: It did not write that.
    """
    path = unquote_to_bytes(text)
    if as_text(path) != text:
        raise ArchiveError(f"the archive names a file {text!r}, which is not written as a path")
    return path


def check_entries(entries: Sequence[Entry]) -> None:
    """Check the files of a workspace against each other.

    Raises:
        ArchiveError: A path is absolute, leads out of the workspace, is there twice, lies below a file or link, or
            is none; or a link leads out of the workspace.
    """
    kinds: dict[Path, str] = {}
    links: dict[Path, bytes] = {}
    for entry in entries:
        path = _parts_of(entry.path)
        if path in kinds:
            raise ArchiveError(f"the archive holds the file {entry.path!r} twice")
        kinds[path] = entry.kind
        if entry.kind == "link":
            links[path] = target = as_bytes(entry.content)
            if not target or b"\0" in target or len(target) > _MOST_BYTES:
                raise ArchiveError(f"the archive's link {entry.path!r} leads nowhere")
    for path in kinds:
        for depth in range(1, len(path)):
            if path[:depth] in kinds:
                raise ArchiveError(
                    f"the archive holds {as_text(b'/'.join(path))!r} below "
                    f"{as_text(b'/'.join(path[:depth]))!r}, which is no folder"
                )
    for path, target in links.items():
        if leads_outside(path, target, links):
            raise ArchiveError(
                f"the archive's link {as_text(b'/'.join(path))!r} leads out of the workspace, to {as_text(target)!r}"
            )


def leads_outside(link: Path, target: bytes, links: Mapping[Path, bytes]) -> bool:
    """Say whether a link leads out of the folder, at any point of its way.

    Args:
        link: Where it lies, as the parts of its path.
        target: Where it leads.
        links: All links of the folder, through which the way may go.
    """
    place: list[bytes] = list(link[:-1])
    waiting = _steps(target)
    followed = 0
    if target.startswith(b"/"):
        return True
    while waiting:
        step = waiting.pop()
        if step == b"..":
            if not place:
                return True
            place.pop()
            continue
        place.append(step)
        onward = links.get(tuple(place))
        if onward is not None:
            followed += 1
            if followed > _MOST_LINKS:
                return False  # A circle leads nowhere.
            if onward.startswith(b"/"):
                return True
            place.pop()
            waiting += _steps(onward)
    return False


def _steps(path: bytes) -> list[bytes]:
    """Return the parts of a path, the first one last."""
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]


def _parts_of(text: str) -> Path:
    raw = as_bytes(text)
    parts = tuple(raw.split(b"/"))
    bad = any(part in (b"", b".", b"..") for part in parts) or b"\0" in raw or len(raw) > _MOST_BYTES
    # A repository inside could bring programs that git starts; the state folder holds the project's runs.
    ours = any(part.lower() in (b".git", b".loopengt") for part in parts)
    if bad or ours:
        raise ArchiveError(f"the archive names a file {text!r}, which may not be written")
    return parts
