"""What stands in an archive: its members, its runs, the files of the workspace."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from loopengt.errors import ArchiveError
from loopengt_hookspecs.storage import RunRow

__all__ = [
    "BLOB",
    "FILE",
    "FORMAT",
    "MANIFEST",
    "WORKSPACE",
    "Entry",
    "Manifest",
    "Member",
    "StoredRun",
    "Trees",
    "decode_manifest",
    "decode_trees",
    "member_kind",
]

FORMAT = 1
"""Version of the format; an archive with a higher one is refused."""

MANIFEST = "manifest.json"
WORKSPACE = "workspace.json"
BLOB = "blobs/"
FILE = "files/"

_MEMBER = re.compile(
    r"runs/(?:0|[1-9][0-9]{0,8})\.jsonl|(?:blobs|files)/[0-9a-f]{64}|workspace\.json", re.ASCII
)


class Member(msgspec.Struct, forbid_unknown_fields=True):
    """A file inside the archive."""

    size: int
    sha256: str


class StoredRun(msgspec.Struct, forbid_unknown_fields=True):
    """A run: its line in listings, and its journal, one batch of events a line."""

    row: RunRow
    journal: str
    events: int


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """All that an archive says of itself."""

    format: int
    made_by: str
    run: str
    """Id of the run; the others in ``runs`` descend from it."""
    runs: list[StoredRun]
    members: dict[str, Member]
    source: str | None = None
    """The spec's file, below the project."""
    lost: list[str] = []
    """Digests of blobs that the journals refer to, and that were not to be had."""


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A file or link of the workspace."""

    path: str
    """Below the workspace; bytes other than plain characters are written as in an URL."""
    kind: Literal["file", "program", "link"]
    content: str = ""
    """Digest of a file's content; where a link leads, written like ``path``."""


def decode_manifest(raw: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ArchiveError: It is none, or of a newer format.
    """
    try:
        told: Any = msgspec.json.decode(raw)
        version = told["format"]
        if isinstance(version, int) and version > FORMAT:
            raise ArchiveError(
                f"the archive has format {version}, and this loopengt reads up to {FORMAT}",
                remedy="Install the newer loopengt: `pip install --upgrade loopengt`.",
            )
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, KeyError, IndexError) as exc:
        raise ArchiveError(f"the archive's {MANIFEST} cannot be read: {exc}") from exc


class Trees(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The files of the workspace."""

    now: list[Entry]
    start: list[Entry] | None = None
    """Those that the run began with; None: not known, so that nobody can tell what it has changed."""

    def entries(self) -> list[Entry]:
        """Return them all."""
        return self.now + (self.start or [])


def decode_trees(raw: bytes) -> Trees:
    """Read the lists of a workspace's files.

    Raises:
        ArchiveError: It is none.
    """
    try:
        return msgspec.json.decode(raw, type=Trees)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ArchiveError(f"the archive's {WORKSPACE} cannot be read: {exc}") from exc


def member_kind(name: str) -> str:
    """Return ``runs``, ``blobs``, ``files`` or ``workspace.json``.

    Raises:
        ArchiveError: No archive has a member of that name.
    """
    if not _MEMBER.fullmatch(name):
        raise ArchiveError(f"the archive holds {name!r}, which no loopengt has put there")
    return name.partition("/")[0]
