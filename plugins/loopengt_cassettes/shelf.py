"""A recording: a folder with one file for each agent call, and blobs beside them. Its methods block."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from loopengt import __version__
from loopengt.redaction import process_redactor
from loopengt_cassettes.errors import CassetteDamaged

__all__ = ["FORMAT", "Shelf", "call_name"]

FORMAT = 1
"""Number of the format in which recordings are written."""

_HEADER = "recording.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_NAME = 120


def call_name(below: str, step: str, occurrence: int, attempt: int) -> str:
    """Return what a call's cassette is called; the same call has the same name in every run of a loop.

    Args:
        below: Of a child run: what its id has behind that of the run at the top, such as ``.1f2e3d4c``.
        step: Name of the step, or instance.
        occurrence: Which execution of the step, from 1.
        attempt: Which attempt of that execution, from 1.
    """
    step = quote(step, safe="[] ")
    if len(step) > _LONGEST_NAME:
        step = f"{step[:40]}%{hashlib.sha256(step.encode()).hexdigest()[:24]}"
    return f"{below.removeprefix('.')}{'.' if below else ''}{step}.{occurrence}.{attempt}"


class Shelf:
    """Reads and writes a recording.

    Args:
        folder: The folder, which need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._calls = folder / "calls"
        self._open = folder / "open"
        self._blobs = folder / "blobs"

    def header(self) -> dict[str, Any] | None:
        """Return what the recording says of itself; None: there is none.

        Raises:
            CassetteDamaged: It cannot be read, or was made by a newer version.
        """
        found = self._read(self.folder / _HEADER)
        if found is None:
            return None
        if found.get("format") != FORMAT:
            raise CassetteDamaged(
                f"the recording in {self.folder} has the format {found.get('format')!r}; this version reads {FORMAT}",
                remedy="Record it anew with this version: loopengt run --record DIR.",
            )
        return found

    def begin(self, run_id: str, loop: str) -> None:
        """Write what the recording is of.

        Raises:
            OSError: The folder cannot be written.
        """
        for folder in (self._calls, self._open):
            folder.mkdir(parents=True, exist_ok=True)
        said = {"format": FORMAT, "loop": loop, "run_id": run_id, "loopengt": __version__}
        self._write(self.folder / _HEADER, said)

    def names(self) -> Iterator[str]:
        """Yield the names of the recorded calls, sorted."""
        with suppress(FileNotFoundError):
            yield from sorted(path.stem for path in self._calls.iterdir() if path.suffix == ".json")

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a recorded call; None: there is none.

        Raises:
            CassetteDamaged: It cannot be read.
        """
        return self._read(self._calls / f"{name}.json")

    def write(self, name: str, data: dict[str, Any]) -> None:
        """Keep a call, in place of one of the same name."""
        self._write(self._calls / f"{name}.json", data)

    def read_open(self, name: str) -> dict[str, Any] | None:
        """Return what was kept of a call that has begun and not come to its end; None: there is none."""
        return self._read(self._open / f"{name}.json")

    def write_open(self, name: str, data: dict[str, Any]) -> None:
        """Keep what there was when a call began."""
        self._write(self._open / f"{name}.json", data)

    def close_open(self, name: str) -> None:
        """Forget that: the call is over."""
        (self._open / f"{name}.json").unlink(missing_ok=True)

    def put_blob(self, content: bytes) -> str:
        """Keep a content, once, as it is, and return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._blobs / digest
        if not path.exists():
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._replace(path, content)
        return digest

    def get_blob(self, digest: str) -> bytes:
        """Return a content.

        Raises:
            CassetteDamaged: It is missing, or not what it was.
        """
        content = None
        if _DIGEST.fullmatch(digest):
            with suppress(OSError):
                content = (self._blobs / digest).read_bytes()
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise CassetteDamaged(
                f"the recording in {self.folder} lacks the blob {digest[:80]}, or it is damaged",
                remedy="Restore blobs/ from where the recording came from, or record it anew.",
            )
        return content

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as exc:
            raise CassetteDamaged(f"{path} cannot be read: {exc}", remedy="Record it anew.") from None
        if not isinstance(found, dict):
            raise CassetteDamaged(f"{path} is not a cassette: no JSON object", remedy="Record it anew.")
        return found

    def _write(self, path: Path, data: dict[str, Any]) -> None:
        text = json.dumps(data, indent=1, ensure_ascii=False)
        self._replace(path, process_redactor().encoded(f"{text}\n".encode("utf-8", "surrogatepass")))

    def _replace(self, path: Path, content: bytes) -> None:
        scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
        scratch.write_bytes(content)
        scratch.replace(path)
