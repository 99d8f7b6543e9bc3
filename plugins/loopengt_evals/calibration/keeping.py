"""Keeps verdicts that were paid for, so that a calibration that was cut short goes on where it was."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from loopengt.errors import UsageError
from loopengt.project import make_state_folder
from loopengt_hookspecs.models import JudgeResult

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["Kept"]

_FORMAT = 1


class Kept:
    """The verdicts of one judge, in ``.loopengt/calibrations/``: a line for each, by what it was told.

    Args:
        folder: The ``.loopengt`` folder.
        spec: The judge; another declaration has a file of its own.
        threshold: From which score it passes.
        asks: Whom it asks where the declaration does not say.
        fresh: Forget what is there.
        lasting: Keep them for another time. What a judge that asks no agent says costs nothing, and may be another
            thing tomorrow.
    """

    def __init__(
        self,
        folder: Path,
        spec: JudgeSpec,
        threshold: float,
        asks: str,
        *,
        fresh: bool = False,
        lasting: bool = True,
    ) -> None:
        told = json.dumps([_FORMAT, spec.model_dump(mode="json"), threshold, asks], sort_keys=True)
        name = "".join(char if char.isalnum() or char in "-_" else "_" for char in spec.label)[:60]
        self.path = folder / "calibrations" / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.jsonl"
        self.verdicts: dict[str, JudgeResult] = {}
        """By the digest of what was judged."""
        self._fresh = fresh
        self._lasting = lasting
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Kept:
        """Read what is there, and hold it.

        Raises:
            UsageError: Another process asks this judge.
        """
        if not self._lasting:
            return self
        make_state_folder(self.path.parent)
        file = self._file = self.path.open("a+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UsageError(
                "another process calibrates this judge", remedy="Wait until it has ended."
            ) from None
        if self._fresh:
            file.truncate(0)
        file.seek(0)
        data = file.read()
        whole = data.rfind(b"\n") + 1
        file.truncate(whole)  # half a line that a crash has left
        for line in data[:whole].splitlines():
            self._read(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
        if self._file is not None:
            self._file.close()

    def _read(self, line: bytes) -> None:
        try:
            row = json.loads(line)
            self.verdicts[str(row["judged"])] = JudgeResult.model_validate(row["verdict"])
        except (ValueError, KeyError, TypeError, ValidationError):
            return  # of another version, or damaged: it is asked again

    def add(self, digest: str, verdict: JudgeResult) -> None:
        """Keep a verdict; it is durable when this returns."""
        self.verdicts[digest] = verdict
        if self._file is None:
            return
        line = json.dumps({"judged": digest, "verdict": verdict.model_dump(mode="json")}).encode() + b"\n"
        self._file.write(line)
        os.fsync(self._file.fileno())
