"""Reads the file of an archive, trusting nothing that it says before it is checked."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Self

from loopengt.archive.manifest import (
    BLOB,
    FILE,
    MANIFEST,
    WORKSPACE,
    Manifest,
    Trees,
    decode_manifest,
    decode_trees,
    member_kind,
)
from loopengt.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

__all__ = ["MOST_BYTES", "Container"]

MOST_BYTES = 8 << 30
"""Bytes that an archive may unpack to, unless the person allows more."""

_MOST_MEMBERS = 1_000_000
_MOST_TEXT = 64 << 20
"""Bytes of the manifest, and of the list of the workspace's files: both are in memory as a whole."""

_MOST_BLOB = 1_000_000_000
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_FAILURES = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What ``zipfile`` raises when a file is not what it should be."""


class Container:
    """An archive that is open to be read.

    Args:
        path: The file.
        most_bytes: Bytes that it may unpack to.
    """

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self.manifest: Manifest
        self.trees: Trees | None = None
        """The files of the workspace; None: the archive has none."""

    def __enter__(self) -> Self:
        with self._judged():
            self._zip = zipfile.ZipFile(self.path)
            try:
                self._infos = self._listed()
                self.manifest = decode_manifest(self._text(MANIFEST))
                self._compare()
                if WORKSPACE in self._infos:
                    self.trees = decode_trees(self._text(WORKSPACE))
            except BaseException:
                self._zip.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def check_contents(self) -> None:
        """Read every member to its end and hold it against its digest.

        Raises:
            ArchiveError: One is damaged.
        """
        for name in self.manifest.members:
            for _ in self.chunks(name):
                pass

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member's content piece by piece; what was yielded is sound only when the end comes without error.

        Raises:
            ArchiveError: It is damaged.
        """
        told = self.manifest.members[name]
        digest, size = hashlib.sha256(), 0
        with self._judged(), self._zip.open(self._infos[name]) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if size > told.size:
                    break
                yield chunk
        if size != told.size or digest.hexdigest() != told.sha256:
            raise self._damaged(f"its {name} does not match its checksum")

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member that was checked before, to read it line by line.

        Raises:
            ArchiveError: It is damaged.
        """
        with self._judged(), self._zip.open(self._infos[name]) as file:
            yield file

    def blobs(self) -> list[str]:
        """Return the digests of the blobs."""
        return [name.removeprefix(BLOB) for name in self.manifest.members if name.startswith(BLOB)]

    def blob(self, digest: str) -> bytes:
        """Return a blob."""
        return b"".join(self.chunks(BLOB + digest))

    def _listed(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        infos = self._zip.infolist()
        if len(infos) > _MOST_MEMBERS:
            raise ArchiveError(f"{self.path} has {len(infos)} members, and may have {_MOST_MEMBERS}")
        for info in infos:
            name = info.orig_filename
            if name != MANIFEST:
                member_kind(name)
            if name in found:
                raise ArchiveError(f"{self.path} holds {name} twice")
            if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
                raise ArchiveError(f"{self.path} holds {name} encrypted, or compressed in an unknown way")
            found[name] = info
        total = sum(info.file_size for info in infos)
        if total > self._most_bytes:
            raise ArchiveError(
                f"{self.path} unpacks to {total / 1e6:,.0f} MB, more than the {self._most_bytes / 1e6:,.0f} MB allowed",
                remedy="If you trust it, allow more with --max-size MB.",
            )
        if MANIFEST not in found:
            raise ArchiveError(
                f"{self.path} is no archive of a run: it has no {MANIFEST}",
                remedy="Make one: loopengt runs export RUN",
            )
        return found

    def _text(self, name: str) -> bytes:
        size = self._infos[name].file_size
        if size > _MOST_TEXT:
            raise ArchiveError(f"{self.path} holds a {name} of {size} bytes, more than any run needs")
        with self._zip.open(self._infos[name]) as file:
            return file.read(_MOST_TEXT)

    def _compare(self) -> None:
        """Hold the manifest's list against the members that are there."""
        members = self.manifest.members
        there = self._infos.keys() - {MANIFEST}
        if there != members.keys():
            name = min(there ^ members.keys())
            which = "is missing" if name in members else "is not in its manifest"
            raise self._damaged(f"its {name} {which}")
        for name, told in members.items():
            if self._infos[name].file_size != told.size:
                raise self._damaged(f"its {name} has another size than its manifest says")
            if name.startswith((BLOB, FILE)) and name.rpartition("/")[2] != told.sha256:
                raise self._damaged(f"its {name} is not named by its content")
            if name.startswith(BLOB) and told.size > _MOST_BLOB:
                raise ArchiveError(
                    f"{self.path} holds a blob of {told.size} bytes, more than a storage takes"
                )

    @contextmanager
    def _judged(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as exc:
            raise self._damaged(str(exc) or type(exc).__name__) from exc
        except OSError as exc:
            raise ArchiveError(f"{self.path} cannot be read: {exc.strerror or exc}") from exc

    def _damaged(self, why: str) -> ArchiveError:
        return ArchiveError(
            f"{self.path} is damaged, or no archive of a run: {why}",
            remedy="Copy it again from where it was made, or make it again: loopengt runs export RUN",
        )
