"""The record of an evaluation: which run is which trial of which case, and of what it all was made."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from typing import IO, TYPE_CHECKING, Any

from loopengt.errors import StorageError, StorageFull, UsageError
from loopengt.finding import TRIALS
from loopengt.project import make_state_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Record", "find_record", "new_evaluation_id", "records_folder"]

FORMAT = 1
"""Version of the record's format."""

_LATEST = "latest"


def records_folder(project_folder: Path) -> Path:
    """Return the folder of a project's records.

    Args:
        project_folder: The ``.loopengt`` folder.
    """
    return project_folder / "evals"


def new_evaluation_id() -> str:
    """Return a new id; ids sort by time, and those of runs begin with it."""
    return f"{TRIALS}{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass(slots=True)
class Record:
    """One evaluation's record, a file of JSON lines: a header, then a line for each run, written before it begins."""

    path: Path
    header: dict[str, Any]
    runs: dict[tuple[str, int], str] = field(default_factory=dict)
    """Id of the run by case and number of the trial; the last that was begun."""
    _file: IO[bytes] | None = None

    @property
    def evaluation(self) -> str:
        """The evaluation's id."""
        return str(self.header["evaluation"])

    @classmethod
    def create(cls, project_folder: Path, header: dict[str, Any]) -> Record:
        """Begin a record, and hold it.

        Args:
            project_folder: The ``.loopengt`` folder.
            header: What the evaluation is made of; ``evaluation`` is its id.

        Raises:
            StorageError: It cannot be written; nothing of it is left.
        """
        folder = records_folder(project_folder)
        record = cls(folder / f"{header['evaluation']}.jsonl", {"format": FORMAT, **header})
        try:
            make_state_folder(folder)
            record._file = record.path.open("xb", buffering=0)
            fcntl.flock(record._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise record._unwritten(exc) from exc
        try:
            record._append(record.header)
        except StorageError:
            record.close()
            with suppress(OSError):
                record.path.unlink()
            raise
        return record

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read a record.

        Raises:
            UsageError: It is damaged, or was written by a newer version.
        """
        return _parse(path, path.read_bytes())[0]

    @classmethod
    def resume(cls, path: Path) -> Record:
        """Read a record, and hold it so that nobody else goes on with it.

        Raises:
            UsageError: It is damaged or too new, or another process goes on with it.
        """
        file = path.open("r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UsageError(
                f"another process goes on with the evaluation {path.stem}", remedy="Wait until it has ended."
            ) from None
        try:
            record, length = _parse(path, file.read())
            file.truncate(length)  # half a line that a crash has left
            file.seek(length)
        except BaseException:
            file.close()
            raise
        record._file = file
        return record

    def note(self, runs: Sequence[tuple[str, int, str]]) -> None:
        """Write down which runs are which trials, as (case, trial, run); returns when that is durable.

        Raises:
            StorageError: It cannot be written.
        """
        self.runs.update({(case, trial): run_id for case, trial, run_id in runs})
        self._append(*({"case": case, "trial": trial, "run": run_id} for case, trial, run_id in runs))

    def _append(self, *lines: dict[str, Any]) -> None:
        assert self._file is not None, "it is only read"
        data = b"".join(
            json.dumps({"evaluation": self.evaluation, **line}).encode() + b"\n" for line in lines
        )
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
            os.fsync(self._file.fileno())
        except OSError as exc:
            raise self._unwritten(exc) from exc

    def _unwritten(self, exc: OSError) -> StorageError:
        if exc.errno in (ENOSPC, EDQUOT):
            return StorageFull(
                f"no space is left to write to {self.path}",
                remedy="Free some space on that disk (or raise the quota).",
            )
        return StorageError(f"the record {self.path} cannot be written: {exc.strerror}")

    def close(self) -> None:
        """Let go of it."""
        if self._file is not None:
            self._file.close()
            self._file = None


def find_record(project_folder: Path, name: str) -> Path:
    """Return the record that a person means.

    Args:
        project_folder: The ``.loopengt`` folder.
        name: An evaluation's id, an unambiguous prefix of one, or ``latest``.

    Raises:
        UsageError: There is none, or more than one.
    """
    with suppress(OSError):
        known = sorted(records_folder(project_folder).glob("eval-*.jsonl"))
        if name == _LATEST:
            found = known[-1:]
        else:
            found = [path for path in known if path.stem.startswith(name)] if name else []
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(path.stem for path in found[:5])
            raise UsageError(
                f"more than one evaluation begins with {name!r}: {listed}", remedy="Give more of the id."
            )
    what = "there are no evaluations yet" if name == _LATEST else f"there is no evaluation {name!r}"
    raise UsageError(what, remedy="loopengt eval suite evals.yaml makes one.")


def _parse(path: Path, data: bytes) -> tuple[Record, int]:
    """Return the record, and how many of the bytes are whole lines."""
    damaged = UsageError(f"the record {path} is damaged", remedy="Begin a new evaluation.")
    length = data.rfind(b"\n") + 1
    record: Record | None = None
    try:
        for raw in data[:length].splitlines():
            line = json.loads(raw)
            if record is None:
                if line.get("format") != FORMAT:
                    raise UsageError(
                        f"the record {path} has the format {line.get('format')}, and this version reads {FORMAT}",
                        remedy="Install the loopengt that wrote it.",
                    )
                record = Record(path, line)
            else:
                record.runs[str(line["case"]), int(line["trial"])] = str(line["run"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged from None
    if record is None or "evaluation" not in record.header:
        raise damaged
    return record, length
