"""Remembers which messages were sent: a webhook takes no ids, and would show the same message twice."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

__all__ = ["Ledger"]

_MOST = 1_000


class Ledger:
    """Digests of messages, newest last, in one file.

    Args:
        file: The file; one that is not there, or damaged, has nothing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def digest(self, body: bytes) -> str:
        """Return what stands for a message."""
        return sha256(body).hexdigest()[:32]

    def has(self, digest: str) -> bool:
        """Whether the message was sent."""
        return digest in self._read()

    def add(self, digest: str) -> None:
        """Note a message that was sent.

        Raises:
            OSError: The file cannot be written.
        """
        digests = [*(known for known in self._read() if known != digest), digest][-_MOST:]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        draft.write_text(json.dumps(digests), encoding="utf-8")
        draft.replace(self._file)

    def _read(self) -> list[str]:
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        return [known for known in found if isinstance(known, str)] if isinstance(found, list) else []
