"""What the lines of one run's file add up to: its row, its lease, its position and its waiting signals."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.storage import RunRow, StorageCorrupt
from loopengt_storage_jsonl.files import replace_file
from loopengt_storage_jsonl.lines import DamagedLine, decode, encode

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OPENING", "RunState", "damaged", "load", "remove_summary", "summarise", "write_summary"]


OPENING = len('{"crc":"00000000"')
"""Bytes of a line up to the end of its checksum."""


@dataclass(slots=True)
class RunState:
    """The sum of a file's lines up to ``offset``."""

    row: RunRow = field(default_factory=lambda: RunRow("", "", ""))
    """As it was given last; its owner fields mean nothing."""
    last_seq: int = 0
    fence: int = 0
    held: int = 0
    """The fence of the lease that may append; 0 when nobody holds the run."""
    owner: str | None = None
    until: float = 0.0
    """When the lease runs out. A renewal changes only this, and only in the file beside the journal."""
    signals: list[dict[str, Any]] = field(default_factory=list)
    offset: int = 0
    """Where the last whole line ends."""
    lines: int = 0
    opening: str = ""
    """How the first line begins, its checksum: a deleted run's file may be followed by another of the same name."""

    def listed(self) -> RunRow:
        """Return the run's line in listings."""
        return replace(self.row, owner=self.owner, lease_until=self.until)

    def add(self, line: bytes) -> None:
        """Take in one whole line.

        Raises:
            DamagedLine: It is damaged, or does not follow from the ones before; nothing was taken in.
        """
        fields = decode(line)
        if "seq" in fields and fields["seq"] != self.last_seq + 1:
            raise DamagedLine(f"event {fields['seq']} follows event {self.last_seq}")
        if self.lines == 0 and "row" not in fields:
            raise DamagedLine("the run's first line is missing")
        self.note(fields, line)

    def note(self, fields: dict[str, Any], line: bytes) -> None:
        """Take in what a line says, which is known to be right."""
        if "seq" in fields:
            self.last_seq += fields["count"]
        if "row" in fields:
            parent = self.row.parent
            self.row = RunRow(**fields["row"])
            if self.lines:
                self.row.parent = parent
        if "claim" in fields:
            claim = fields["claim"]
            self.fence = self.held = claim["fence"]
            self.owner, self.until = claim["owner"], claim["until"]
        if "release" in fields:
            self.held, self.owner, self.until = 0, None, 0.0
        if "signal" in fields:
            self.signals.append(fields["signal"])
        if "delivered" in fields:
            del self.signals[: fields["delivered"]]
        if self.lines == 0:
            self.opening = line[:OPENING].decode("ascii", "replace")
        self.offset += len(line)
        self.lines += 1

    def catch_up(self, path: Path) -> int:
        """Take in the lines that the file has gained; return the size of a torn line at its end, or 0.

        Raises:
            StorageCorrupt: A line is damaged; the lines before it have been taken in.
        """
        with path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return len(line)
                try:
                    self.add(line)
                except DamagedLine as error:
                    raise damaged(path, self.lines + 1, error) from None
        return 0


def damaged(path: Path, number: int, reason: object) -> StorageCorrupt:
    """Return the error that names a damaged line."""
    return StorageCorrupt(
        f"{path} is damaged in line {number}: {reason}.",
        remedy=f"What stands before is sound. To go on from there, keep a copy of the file and cut it: "
        f"sed -i '{number},$d' '{path}'",
    )


def load(path: Path) -> tuple[RunState, int, StorageCorrupt | None]:
    """Sum up a file, from where the summary beside it ends when there is one that fits.

    Returns:
        The state, the size of a torn line at the end, and the damage at which the state ends, if any.

    Raises:
        FileNotFoundError: There is no such file.
    """
    state = _saved(path)
    if state.lines and state.offset <= path.stat().st_size and state.opening == _opening(path):
        # Should the file have been mended by hand since, its summary no longer fits.
        with suppress(StorageCorrupt):
            return state, state.catch_up(path), None
    state = RunState()
    try:
        return state, state.catch_up(path), None
    except StorageCorrupt as error:
        return state, 0, error


def write_summary(state: RunState, path: Path) -> None:
    """Write the state beside a file, for a quick start of the next reader.

    Of all it holds, the file itself lacks only the time to which a lease was prolonged.
    """
    replace_file(_beside(path), encode({"state": asdict(state)}), sync=False)


def summarise(state: RunState, path: Path) -> None:
    """Write the state beside a file where that is possible; without it the next reader takes longer."""
    with suppress(OSError):
        write_summary(state, path)


def remove_summary(path: Path) -> None:
    """Remove the state beside a file; it can be had from the file again."""
    _beside(path).unlink(missing_ok=True)


def _saved(path: Path) -> RunState:
    try:
        fields = decode(_beside(path).read_bytes())["state"]
        return RunState(**fields | {"row": RunRow(**fields["row"])})
    except (OSError, DamagedLine, KeyError, TypeError):
        return RunState()


def _opening(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(OPENING).decode("ascii", "replace")


def _beside(path: Path) -> Path:
    return path.with_suffix(".state")
