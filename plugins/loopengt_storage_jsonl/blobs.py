"""Files named by the SHA-256 of their content."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from loopengt_hookspecs.storage import StorageCorrupt, StorageError
from loopengt_storage_jsonl.files import locked, replace_file, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BlobFiles"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOCK = "lock"


class BlobFiles:
    """The blobs of one folder, spread over 256 folders.

    Args:
        folder: Where they lie.
        sync: Whether a blob is on the disk when ``put`` returns.
    """

    def __init__(self, folder: Path, *, sync: bool) -> None:
        self.folder = folder
        self._sync = sync

    def put(self, data: bytes) -> str:
        """Store bytes and return their digest. What is there already and sound stays as it is."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not self.folder.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / _LOCK, create=True, write=False):
            self._put(path, data)
        return digest

    def _put(self, path: Path, data: bytes) -> None:
        if self._holds(path, data):
            os.utime(path)  # It counts as new.
        else:
            if not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                if self._sync:
                    sync_folder(self.folder)
            replace_file(path, data, sync=self._sync)

    def get(self, digest: str) -> bytes:
        """Return the bytes of a digest.

        Raises:
            StorageError: There are none.
            StorageCorrupt: They do not match it.
        """
        if not _DIGEST.fullmatch(digest):
            raise StorageError(f"{digest!r} is no digest of a blob; it takes 64 hexadecimal digits.")
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise StorageError(
                f"There is no blob {digest} in {self.folder}.", remedy=f"Restore {path} from a backup."
            ) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise StorageCorrupt(
                f"{path} is damaged: its content does not match its name.",
                remedy="Restore it from a backup, or remove it and run the loop again.",
            )
        return data

    def prune(self, digest: str, until: float, *, dry_run: bool) -> int:
        """Remove a blob that was stored no later than ``until`` (``dry_run``: do not); return how many bytes it had."""
        path = self._path(digest)
        try:
            # Nobody stores it again between our look and its end.
            with locked(self.folder / _LOCK, create=not dry_run, write=not dry_run):
                told = path.stat()
                if told.st_mtime > until:
                    return 0
                if not dry_run:
                    path.unlink()
                return told.st_size
        except FileNotFoundError:
            return 0

    def digests(self) -> list[str]:
        """Return the digests of all blobs."""
        return sorted(path.name for path in self.folder.glob("??/*") if _DIGEST.fullmatch(path.name))

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest

    @staticmethod
    def _holds(path: Path, data: bytes) -> bool:
        try:
            return path.stat().st_size == len(data) and path.read_bytes() == data
        except FileNotFoundError:
            return False
